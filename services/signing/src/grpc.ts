import { isDigest } from "@vcc-pki/artefact";
import { PkiError } from "@vcc-pki/errors";
import {
  CreateSignerRequest,
  type ListSignaturesRequest,
  type ListSignaturesResponse,
  type ListSignersRequest,
  type ListSignersResponse,
  type Signature,
  SignatureServiceDefinition,
  SignDigestsRequest,
  type SignDigestsResponse,
  SignerServiceDefinition,
  SignManifestRequest,
} from "@vcc-pki/proto/signing";
import {
  type CallContext,
  type Callers,
  implement,
  itemKey,
  requestKey,
  type ServiceImplementation,
  type SpiffeId,
} from "@vcc-pki/rpc";
import type { Enrolment } from "./enrolment.ts";
import type { Messages } from "./messages.ts";
import type { SigningPolicy } from "./policy.ts";
import { parseArtefact, parseDigests, parseSigner, parseSignerWish } from "./request.ts";
import type { Signing } from "./sign.ts";
import type { SignatureTable } from "./store/signatures.ts";
import type { SignerKeyTable } from "./store/signer-keys.ts";

export interface SigningDoor {
  readonly enrolment: Enrolment;
  readonly signing: Signing;
  readonly policy: SigningPolicy;
  readonly messages: Messages;
  readonly signerKeys: SignerKeyTable;
  readonly signatures: SignatureTable;
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
  signDigests: DOOR,
  getSignature: DOOR,
  listSignatures: DOOR,
};

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
      signManifest: (request, context) => signManifest(door, request, context),
      signDigests: (request, context) => signDigests(door, request, context),
      async getSignature({ signatureId }, { requester }) {
        const found = door.signatures.findById(organisationOf(requester), signatureId);
        if (found === undefined) throw new PkiError("NOT_FOUND", "no such signature");
        return door.messages.signature(found);
      },
      listSignatures: async (request, context) => listSignatures(door, request, context),
    },
    SIGNATURE_CALLERS,
  );
}

async function signManifest(
  { policy, signing, messages }: SigningDoor,
  request: SignManifestRequest,
  context: CallContext,
): Promise<Signature> {
  const { requester } = context;
  const organisation = organisationOf(requester);
  const key = requestKey(context, "signManifest", SignManifestRequest, request);
  const signer = parseSigner(request.signer, requester);
  const { facts, resources, ...subject } = parseArtefact(request.artefact, organisation);
  policy.requireArtefact({ requester, organisation, signer }, facts, resources);
  return messages.signature(await signing.sign({ organisation, signer, subject, request: key }, context));
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
      signing.sign({ organisation, signer, subject: { sha256 }, request: itemKey(key, index) }, context),
    ),
  );
  return { signatures: made.map((signature) => messages.signature(signature)) };
}

const DEFAULT_PAGE = 100;
const MAX_PAGE = 1_000;

function listSignatures(
  { signatures, messages }: SigningDoor,
  { pageSize, pageToken, ...filter }: ListSignaturesRequest,
  { requester }: CallContext,
): ListSignaturesResponse {
  if (!/^\d{0,15}$/.test(pageToken)) throw new PkiError("REQUEST_MALFORMED", "not a page token of ours");
  if (filter.artefactDigest !== "" && !isDigest(filter.artefactDigest))
    throw new PkiError("REQUEST_MALFORMED", "a digest is sha256: and 64 lower-case hex digits");
  const limit = Math.min(pageSize || DEFAULT_PAGE, MAX_PAGE);
  const before = pageToken === "" ? Number.MAX_SAFE_INTEGER : Number(pageToken);
  const found = signatures.list({ ...filter, organisation: organisationOf(requester) }, before, limit);
  return {
    signatures: found.map((signature) => ({ ...messages.signature(signature), manifest: new Uint8Array() })),
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
