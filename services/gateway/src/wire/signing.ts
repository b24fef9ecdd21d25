import {
  type Artefact,
  type Signature as ProtoSignature,
  SignerState as ProtoState,
  Shape,
  type SignerKey,
} from "@vcc-pki/proto/signing";
import type { ArtefactToSign, Signature, Signer, SignerState } from "../api/signing.ts";
import { chainPem, known, present, requiredTimestamp, timestamp } from "./values.ts";

const STATE_TO_JSON = {
  [ProtoState.WAITING]: "waiting",
  [ProtoState.ACTIVE]: "active",
  [ProtoState.UNUSABLE]: "unusable",
  [ProtoState.RETIRED]: "retired",
  [ProtoState.UNSPECIFIED]: undefined,
  [ProtoState.UNRECOGNIZED]: undefined,
} as const satisfies Record<ProtoState, SignerState | undefined>;

const SHAPE_TO_PROTO = {
  file: Shape.FILE,
  directory: Shape.DIRECTORY,
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

export function artefactToProto(type: string, { name, version, metadata, shape, files }: ArtefactToSign): Artefact {
  return {
    type,
    name,
    version: version ?? "",
    metadataJson: metadata === undefined ? "" : JSON.stringify(metadata),
    shape: SHAPE_TO_PROTO[shape],
    resources: files.map(({ path, sha256 }) => ({ path, sha256: Buffer.from(sha256, "hex") })),
  };
}

export function signatureToJson(signature: ProtoSignature): Signature {
  const { manifest } = signature;
  return {
    signature_id: signature.signatureId,
    format: signature.format,
    signature: base64(signature.signedDataDer),
    manifest: manifest.length === 0 ? undefined : Buffer.from(manifest).toString("utf8"),
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

export const base64 = (octets: Uint8Array): string => Buffer.from(octets).toString("base64");
