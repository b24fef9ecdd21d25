import { PkiError } from "@vcc-pki/errors";
import {
  type LineageEdge,
  type ListSignaturesRequest,
  type ListSignaturesResponse,
  RecordUsageRequest,
  type Signature,
  SignatureServiceDefinition,
  SignDigestsRequest,
  type SignDigestsResponse,
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
} from "@vcc-pki/rpc";
import { toHex } from "@vcc-pki/x509";
import { actorOf } from "../actor.ts";
import { parseArtefact, parseStatementFormat } from "../artefact-request.ts";
import { parseDigest, parseDigests, parseSigner, parseUsage } from "../request.ts";
import type { Edge } from "../store/lineage.ts";
import type { Subject } from "../store/signatures.ts";
import { DEFAULT_PAGE, DOOR, reader, type SigningDoor } from "./door.ts";

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
      async getSignature({ signatureId, organisation: named }, context) {
        const { organisation } = await reader(door, context, named);
        return door.messages.signature(door.usageLog.get(organisation, signatureId));
      },
      async recordUsage(request, context) {
        const key = requestKey(context, "recordUsage", RecordUsageRequest, request);
        const { organisation } = await reader(door, context, request.organisation);
        await door.usageLog.record(organisation, parseUsage(request), key, context);
        return {};
      },
      async getUsage({ signatureId, organisation: named }, context) {
        const { organisation } = await reader(door, context, named);
        const { signature } = door.usageLog.get(organisation, signatureId);
        return { ...door.usages.counts(signature), usages: door.usages.list(signature, DEFAULT_PAGE) };
      },
      listSignatures: (request, context) => listSignatures(door, request, context),
      async getLineage({ artefactDigest, organisation: named }, context) {
        const { organisation } = await reader(door, context, named);
        const about = [organisation, parseDigest(artefactDigest), MAX_EDGES] as const;
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

async function signArtefact(
  { administrators, policy, signing, messages }: SigningDoor,
  { signer: named, artefact, organisation: whose }: Pick<SignManifestRequest, "signer" | "artefact" | "organisation">,
  format: ReturnType<typeof parseStatementFormat>,
  request: RequestKey,
  context: CallContext,
): Promise<Signature> {
  const actor = await actorOf(context, whose, administrators);
  const { organisation } = actor;
  const signer = parseSigner(named, context.requester);
  const { facts, resources, sources, ...about } = parseArtefact(artefact, format, organisation);
  policy.requireArtefact({ ...actor, signer }, format, facts, resources);
  const subject = { ...about, format };
  const { stored, octets } = await signing.sign({ organisation, signer, subject, sources, request }, context);
  return messages.signature(stored, octets);
}

async function signDigests(
  { administrators, policy, signing, messages }: SigningDoor,
  request: SignDigestsRequest,
  context: CallContext,
): Promise<SignDigestsResponse> {
  const actor = await actorOf(context, request.organisation, administrators);
  const { organisation } = actor;
  const key = requestKey(context, "signDigests", SignDigestsRequest, request);
  const signer = parseSigner(request.signer, context.requester);
  const digests = parseDigests(request.sha256);
  policy.requireDigests({ ...actor, signer });
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

const MAX_PAGE = 1_000;
const NOTHING = new Uint8Array();
const MAX_EDGES = 1_000;

const edgeToProto = ({ artefactDigest, relation, name, digest }: Edge): LineageEdge => ({
  ...{ artefactDigest, relation, sourceName: name ?? "", sourceDigest: digest ?? "" },
});

async function listSignatures(
  door: SigningDoor,
  { pageSize, pageToken, organisation: named, ...filter }: ListSignaturesRequest,
  context: CallContext,
): Promise<ListSignaturesResponse> {
  const { signatures, messages } = door;
  const { organisation } = await reader(door, context, named);
  if (!/^\d{0,15}$/.test(pageToken)) throw new PkiError("REQUEST_MALFORMED", "not a page token of ours");
  if (filter.artefactDigest !== "") parseDigest(filter.artefactDigest);
  const limit = Math.min(pageSize || DEFAULT_PAGE, MAX_PAGE);
  const before = pageToken === "" ? Number.MAX_SAFE_INTEGER : Number(pageToken);
  const found = signatures.list({ ...filter, organisation }, before, limit);
  return {
    signatures: found.map((signature) => ({
      ...messages.signature(signature),
      manifest: NOTHING,
      bundleJson: NOTHING,
    })),
    nextPageToken: found.length === limit ? String(found.at(-1)?.signature) : "",
  };
}
