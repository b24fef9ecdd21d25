import {
  type Artefact,
  type ArtefactRecall,
  type GetLineageResponse,
  type GetUsageResponse,
  type LineageEdge,
  type RecallRequest as ProtoRecallRequest,
  type Signature as ProtoSignature,
  SignerState as ProtoState,
  Shape,
  type SignerKey,
} from "@vcc-pki/proto/signing";
import type {
  ArtefactToSign,
  Lineage,
  Recall,
  RecallRequest,
  Signature,
  Signer,
  SignerState,
  UsageSummary,
} from "../api/signing.ts";
import { chainPem, known, present, requiredTimestamp, timestamp } from "./values.ts";

const STATE_TO_JSON = {
  [ProtoState.WAITING]: "waiting",
  [ProtoState.ACTIVE]: "active",
  [ProtoState.UNUSABLE]: "unusable",
  [ProtoState.RETIRED]: "retired",
  [ProtoState.UNSPECIFIED]: undefined,
  [ProtoState.UNRECOGNIZED]: undefined,
} as const satisfies Record<ProtoState, SignerState | undefined>;

export const SHAPE_TO_PROTO = {
  file: Shape.FILE,
  directory: Shape.DIRECTORY,
  digest: Shape.DIGEST,
} as const satisfies Record<ArtefactToSign["shape"], Shape>;

export function signerToJson(key: SignerKey): Signer {
  return {
    signer_key_id: key.signerKeyId,
    signer: key.signer,
    organization_id: key.organisation,
    key_algorithm: key.keyAlgorithm,
    profile: key.profile,
    state: known(STATE_TO_JSON[key.state], "state"),
    chain_pem: key.chainDer.length === 0 ? undefined : chainPem(key.chainDer),
    expires_at: timestamp(key.notAfter),
    created_at: requiredTimestamp(key.createdAt, "created_at"),
  };
}

export function artefactToProto(type: string, artefact: ArtefactToSign): Artefact {
  const { name, version, metadata, shape, files = [], shard_octets, digest } = artefact;
  return {
    type,
    name,
    version: version ?? "",
    metadataJson: metadata === undefined ? "" : JSON.stringify(metadata),
    shape: SHAPE_TO_PROTO[shape],
    shardOctets: shard_octets,
    resources: resourcesToProto(files),
    artefactDigest: digest,
  };
}

export const resourcesToProto = (files: NonNullable<ArtefactToSign["files"]>): Artefact["resources"] =>
  files.map(({ path, sha256, shard }) => ({ path, sha256: Buffer.from(sha256, "hex"), shard }));

export function signatureToJson(signature: ProtoSignature): Signature {
  const { manifest, signedDataDer, bundleJson } = signature;
  return {
    signature_id: signature.signatureId,
    format: signature.format,
    signature: signedDataDer.length === 0 ? undefined : base64(signedDataDer),
    bundle: textOf(bundleJson),
    manifest: textOf(manifest),
    recalled_at: timestamp(signature.recalledAt),
    artefact_digest: signature.artefactDigest,
    type: present(signature.type),
    name: present(signature.name),
    version: present(signature.version),
    signer: signature.signer,
    requester: signature.requester,
    signed_at: requiredTimestamp(signature.genTime, "gen_time"),
    cert_serial: signature.signerSerialHex,
  };
}

const textOf = (octets: Uint8Array): string | undefined =>
  octets.length === 0 ? undefined : Buffer.from(octets).toString("utf8");

export function lineageToJson({ upstream, downstream }: GetLineageResponse): Lineage {
  const edge = ({ artefactDigest, relation, sourceName, sourceDigest }: LineageEdge): Lineage["upstream"][number] => ({
    ...{ artefact_digest: artefactDigest, relation },
    ...{ source_name: present(sourceName), source_digest: present(sourceDigest) },
  });
  return { upstream: upstream.map(edge), downstream: downstream.map(edge) };
}

export function recallTarget({ digest, signer, since, dataset }: RecallRequest): ProtoRecallRequest["target"] {
  if (digest !== undefined) return { $case: "artefactDigest", value: digest };
  if (dataset !== undefined) return { $case: "dataset", value: dataset };
  const from = since === undefined ? undefined : new Date(since);
  return { $case: "signerSince", value: { signer: signer ?? "", signerKeyId: "", since: from } };
}

export function recallToJson(recall: ArtefactRecall): Recall {
  return {
    recall_id: present(recall.recallId),
    reason: recall.reason,
    requester: recall.requester,
    recalled_at: timestamp(recall.recalledAt),
    count: recall.count,
    artefact_digests: recall.artefactDigests,
  };
}

export function usageToJson({ verified, loaded, refused, usages }: GetUsageResponse): UsageSummary {
  return {
    ...{ verified: Number(verified), loaded: Number(loaded), refused: Number(refused) },
    usages: usages.map(({ action, context, requester, times, usedAt }) => ({
      ...{ action, context, requester, times, used_at: requiredTimestamp(usedAt, "used_at") },
    })),
  };
}

export const base64 = (octets: Uint8Array): string => Buffer.from(octets).toString("base64");
