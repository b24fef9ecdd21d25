import { PkiError } from "@vcc-pki/errors";
import {
  CreateSignerRequest,
  type LineageEdge,
  type ListSignaturesRequest,
  type ListSignaturesResponse,
  type ListSignersRequest,
  type ListSignersResponse,
  RecallRequest,
  RecallServiceDefinition,
  RecordUsageRequest,
  type Signature,
  SignatureServiceDefinition,
  SignDigestsRequest,
  type SignDigestsResponse,
  SignerServiceDefinition,
  SignManifestRequest,
  SignStatementRequest,
} from "@vcc-pki/proto/signing";
import {
  type CallContext,
  type Callers,
  implement,
  itemKey,
  type RequestKey,
  requestKey,
  type ServiceImplementation,
  type SpiffeId,
} from "@vcc-pki/rpc";
import { toHex } from "@vcc-pki/x509";
import type { Enrolment } from "./enrolment.ts";
import { MAX_DIGESTS_TOLD, type Messages } from "./messages.ts";
import type { SigningPolicy } from "./policy.ts";
import type { Recalls } from "./recall.ts";
import {
  parseArtefact,
  parseDigest,
  parseDigests,
  parseReason,
  parseRecallTarget,
  parseSigner,
  parseSignerWish,
  parseStatementFormat,
  parseUsage,
} from "./request.ts";
import type { Signing } from "./sign.ts";
import type { Edge, LineageTable } from "./store/lineage.ts";
import type { RecallTable } from "./store/recalls.ts";
import type { SignatureTable, Subject } from "./store/signatures.ts";
import type { SignerKeyTable } from "./store/signer-keys.ts";
import type { UsageTable } from "./store/usages.ts";
import type { UsageLog } from "./usage.ts";

export interface SigningDoor {
  readonly enrolment: Enrolment;
  readonly signing: Signing;
  readonly policy: SigningPolicy;
  readonly messages: Messages;
  readonly signerKeys: SignerKeyTable;
  readonly signatures: SignatureTable;
  readonly lineage: LineageTable;
  readonly recalls: Recalls;
  readonly usageLog: UsageLog;
  readonly usages: UsageTable;
  readonly recallTable: RecallTable;
  /** Profiles that a signer may be given. */
  readonly profiles: readonly string[];
}

/** People and workloads come through the gateway. */
const DOOR = ["gateway"] as const;

const SIGNER_CALLERS: Callers<typeof SignerServiceDefinition> = {
  createSigner: DOOR,
  installCertificate: DOOR,
  listSigners: DOOR,
  retireSigner: DOOR,
};

const SIGNATURE_CALLERS: Callers<typeof SignatureServiceDefinition> = {
  signManifest: DOOR,
  signStatement: DOOR,
  signDigests: DOOR,
  getSignature: DOOR,
  listSignatures: DOOR,
  getLineage: DOOR,
  recordUsage: DOOR,
  getUsage: DOOR,
};

const RECALL_CALLERS: Callers<typeof RecallServiceDefinition> = { recall: DOOR, listRecalls: DOOR };

export function signerService({ enrolment, messages, signerKeys, profiles }: SigningDoor): ServiceImplementation {
  return implement(
    SignerServiceDefinition,
    {
      async createSigner(request, context) {
        const organisation = requireAdmin(context);
        const key = requestKey(context, "createSigner", CreateSignerRequest, request);
        const wish = { ...parseSignerWish(request, profiles), organisation };
        return messages.signerKey(await enrolment.create(wish, key, context));
      },
      async installCertificate({ signerKeyId, chainDer }, context) {
        return messages.signerKey(await enrolment.install(requireAdmin(context), signerKeyId, chainDer, context));
      },
      async listSigners({ signer }: ListSignersRequest, context): Promise<ListSignersResponse> {
        const keys = signerKeys.listOf(organisationOf(context.requester));
        return {
          keys: keys.filter((key) => signer === "" || key.signer === signer).map((key) => messages.signerKey(key)),
        };
      },
      async retireSigner({ signerKeyId }, context) {
        return messages.signerKey(await enrolment.retire(requireAdmin(context), signerKeyId, context));
      },
    },
    SIGNER_CALLERS,
  );
}

export function signatureService(door: SigningDoor): ServiceImplementation {
  return implement(
    SignatureServiceDefinition,
    {
      async signManifest(request, context) {
        const key = requestKey(context, "signManifest", SignManifestRequest, request);
        return signArtefact(door, request, "manifest", key, context);
      },
      async signStatement(request, context) {
        const key = requestKey(context, "signStatement", SignStatementRequest, request);
        return signArtefact(door, request, parseStatementFormat(request.format), key, context);
      },
      signDigests: (request, context) => signDigests(door, request, context),
      async getSignature({ signatureId }, { requester }) {
        return door.messages.signature(door.usageLog.get(organisationOf(requester), signatureId));
      },
      async recordUsage(request, context) {
        const key = requestKey(context, "recordUsage", RecordUsageRequest, request);
        await door.usageLog.record(organisationOf(context.requester), parseUsage(request), key, context);
        return {};
      },
      async getUsage({ signatureId }, { requester }) {
        const { signature } = door.usageLog.get(organisationOf(requester), signatureId);
        return { ...door.usages.counts(signature), usages: door.usages.list(signature, DEFAULT_PAGE) };
      },
      listSignatures: async (request, context) => listSignatures(door, request, context),
      async getLineage({ artefactDigest }, { requester }) {
        const about = [organisationOf(requester), parseDigest(artefactDigest), MAX_EDGES] as const;
        const { lineage } = door;
        return {
          upstream: lineage.upstream(...about).map(edgeToProto),
          downstream: lineage.downstream(...about).map(edgeToProto),
        };
      },
    },
    SIGNATURE_CALLERS,
  );
}

export function recallService({ recalls, recallTable, messages }: SigningDoor): ServiceImplementation {
  return implement(
    RecallServiceDefinition,
    {
      async recall(request, context) {
        const organisation = requireAdmin(context);
        const key = requestKey(context, "recall", RecallRequest, request);
        const target = parseRecallTarget(request.target);
        const reason = parseReason(request.reason);
        if (!request.dryRun)
          return messages.recall(await recalls.recall(organisation, { target, reason, request: key }, context));
        const digests = recalls.affected(organisation, target);
        return {
          ...{ recallId: "", reason, requester: context.requester.uri, recalledAt: undefined },
          ...{ count: digests.length, artefactDigests: digests.slice(0, MAX_DIGESTS_TOLD) },
        };
      },
      async listRecalls({ artefactDigest }, { requester }) {
        const organisation = organisationOf(requester);
        if (artefactDigest === "")
          return { recalls: recallTable.list(organisation, DEFAULT_PAGE).map((recall) => messages.recall(recall)) };
        const found = recallTable.findOf(organisation, parseDigest(artefactDigest));
        return { recalls: found === undefined ? [] : [messages.recall(found)] };
      },
    },
    RECALL_CALLERS,
  );
}

async function signArtefact(
  { policy, signing, messages }: SigningDoor,
  { signer: named, artefact }: Pick<SignManifestRequest, "signer" | "artefact">,
  format: ReturnType<typeof parseStatementFormat>,
  request: RequestKey,
  context: CallContext,
): Promise<Signature> {
  const { requester } = context;
  const organisation = organisationOf(requester);
  const signer = parseSigner(named, requester);
  const { facts, resources, sources, ...about } = parseArtefact(artefact, format, organisation);
  policy.requireArtefact({ requester, organisation, signer }, format, facts, resources);
  const subject = { ...about, format };
  const { stored, octets } = await signing.sign({ organisation, signer, subject, sources, request }, context);
  return messages.signature(stored, octets);
}

async function signDigests(
  { policy, signing, messages }: SigningDoor,
  request: SignDigestsRequest,
  context: CallContext,
): Promise<SignDigestsResponse> {
  const { requester } = context;
  const organisation = organisationOf(requester);
  const key = requestKey(context, "signDigests", SignDigestsRequest, request);
  const signer = parseSigner(request.signer, requester);
  const digests = parseDigests(request.sha256);
  policy.requireDigests({ requester, organisation, signer });
  const made = await Promise.all(
    digests.map((sha256, index) =>
      signing.sign(
        { organisation, signer, subject: digestSubject(sha256), sources: [], request: itemKey(key, index) },
        context,
      ),
    ),
  );
  return { signatures: made.map(({ stored, octets }) => messages.signature(stored, octets)) };
}

const digestSubject = (sha256: Uint8Array): Subject => ({
  ...{ format: "digest", artefactDigest: `sha256:${toHex(sha256)}`, artefact: undefined },
});

const DEFAULT_PAGE = 100;
const MAX_PAGE = 1_000;
const NOTHING = new Uint8Array();
const MAX_EDGES = 1_000;

const edgeToProto = ({ artefactDigest, relation, name, digest }: Edge): LineageEdge => ({
  ...{ artefactDigest, relation, sourceName: name ?? "", sourceDigest: digest ?? "" },
});

function listSignatures(
  { signatures, messages }: SigningDoor,
  { pageSize, pageToken, ...filter }: ListSignaturesRequest,
  { requester }: CallContext,
): ListSignaturesResponse {
  if (!/^\d{0,15}$/.test(pageToken)) throw new PkiError("REQUEST_MALFORMED", "not a page token of ours");
  if (filter.artefactDigest !== "") parseDigest(filter.artefactDigest);
  const limit = Math.min(pageSize || DEFAULT_PAGE, MAX_PAGE);
  const before = pageToken === "" ? Number.MAX_SAFE_INTEGER : Number(pageToken);
  const found = signatures.list({ ...filter, organisation: organisationOf(requester) }, before, limit);
  return {
    signatures: found.map((signature) => ({
      ...messages.signature(signature),
      manifest: NOTHING,
      bundleJson: NOTHING,
    })),
    nextPageToken: found.length === limit ? String(found.at(-1)?.signature) : "",
  };
}

/** The tenant comes from the identity. Services of the suite sign nothing here. */
function organisationOf(requester: SpiffeId): string {
  if (requester.kind === "suite") throw new PkiError("CALLER_NOT_ALLOWED", "this requester has no organisation");
  return requester.organisation;
}

function requireAdmin({ requester }: CallContext): string {
  if (requester.kind !== "admin")
    throw new PkiError("CALLER_NOT_ALLOWED", "signers are for administrators of the organisation");
  return requester.organisation;
}
