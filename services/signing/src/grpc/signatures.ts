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
import { parseArtefact, parseStatementFormat } from "../artefact-request.ts";
import { parseDigest, parseDigests, parseSigner, parseUsage } from "../request.ts";
import type { Edge } from "../store/lineage.ts";
import type { Subject } from "../store/signatures.ts";
import { DEFAULT_PAGE, DOOR, organisationOf, type SigningDoor } from "./door.ts";

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
  return messages.signature(await signing.sign({ organisation, signer, subject, sources, request }, context));
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
  return { signatures: made.map((signature) => messages.signature(signature)) };
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
