import { PkiError } from "@vcc-pki/errors";
import {
  type Signature as ProtoSignature,
  type SignatureServiceDefinition,
  type SignerKey,
  type SignerServiceDefinition,
  SignerState,
} from "@vcc-pki/proto/signing";
import type { Remote } from "@vcc-pki/rpc";
import type { FastifyRequest } from "fastify";
import { IdempotencyHeaders, Scope } from "../api/fields.ts";
import {
  ArtefactToSign,
  ArtefactTypeParams,
  DigestToSign,
  type HashAndKeyAlgorithm,
  HashToSign,
  Signature,
  SignatureList,
  SignatureListQuery,
  SignatureParams,
  SignedHash,
} from "../api/signing.ts";
import { type App, FOR_WORKLOADS_TOO, onBehalfOf, organisationOf, requestIdOf } from "../http.ts";
import { artefactToProto, base64, signatureToJson } from "../wire/signing.ts";
import { refusals } from "./documented.ts";

const tags = ["signing"];

/** Paths and digests of many thousand files. */
const MANIFEST_BODY_LIMIT_BYTES = 16 * 1024 * 1024;
const DIGEST_BODY_LIMIT_BYTES = 4 * 1024;

/** Signatures over artefacts, each with its time stamp. Files stay where they are: their digests come here. */
export function signingRoutes(
  app: App,
  signatures: Remote<SignatureServiceDefinition>,
  signers: Remote<SignerServiceDefinition>,
): void {
  app.post(
    "/api/v1/sign/:type",
    {
      bodyLimit: MANIFEST_BODY_LIMIT_BYTES,
      config: FOR_WORKLOADS_TOO,
      schema: {
        tags,
        summary:
          "A signed manifest (SHA256SUMS) or statement of an artefact: python-package, lora-adapter, model-weights, ...",
        params: ArtefactTypeParams,
        querystring: Scope,
        headers: IdempotencyHeaders,
        body: ArtefactToSign,
        response: { 201: Signature, ...refusals },
      },
    },
    async (request, reply) => {
      const artefact = artefactToProto(request.params.type.replaceAll("-", "_"), request.body);
      const { signer = "", shape, format = shape === "digest" ? "attestation" : "manifest" } = request.body;
      const asked = { requestId: requestIdOf(request), organisation: organisationOf(request), signer, artefact };
      const signed =
        format === "manifest"
          ? await signatures.signManifest(asked, onBehalfOf(request))
          : await signatures.signStatement({ ...asked, format }, onBehalfOf(request));
      return reply.code(201).send(signatureToJson(signed));
    },
  );

  app.post(
    "/api/v1/sign",
    {
      bodyLimit: DIGEST_BODY_LIMIT_BYTES,
      config: FOR_WORKLOADS_TOO,
      schema: {
        tags,
        summary: "A signature over a SHA-256 digest, in the words of ThemisDB",
        querystring: Scope,
        headers: IdempotencyHeaders,
        body: HashToSign,
        response: { 200: SignedHash, ...refusals },
      },
    },
    async (request) => {
      const { hash_b64, service_id, algorithm } = request.body;
      requireOwnName(request, service_id);
      if (algorithm !== undefined) {
        const asked = { signer: service_id, organisation: organisationOf(request) };
        const { keys } = await signers.listSigners(asked, onBehalfOf(request));
        requireAlgorithm(keys, algorithm);
      }
      const signed = await signDigest(request, signatures, Buffer.from(hash_b64, "base64"), service_id);
      return {
        signature_b64: base64(signed.signedDataDer),
        signature_id: signed.signatureId,
        cert_serial: signed.signerSerialHex,
      };
    },
  );

  app.post(
    "/api/v1/tsa/sign-and-timestamp",
    {
      bodyLimit: DIGEST_BODY_LIMIT_BYTES,
      config: FOR_WORKLOADS_TOO,
      schema: {
        tags,
        summary: "A signature over a SHA-256 digest, with the time stamp over it inside",
        querystring: Scope,
        headers: IdempotencyHeaders,
        body: DigestToSign,
        response: { 201: Signature, ...refusals },
      },
    },
    async (request, reply) => {
      const { digest, signer = "" } = request.body;
      const signed = await signDigest(request, signatures, Buffer.from(digest, "hex"), signer);
      return reply.code(201).send(signatureToJson(signed));
    },
  );

  app.get(
    "/api/v1/sign/audit/:signature_id",
    {
      config: FOR_WORKLOADS_TOO,
      schema: {
        tags,
        summary: "A signature of the requester's organisation: what was signed, by whom, when, and for whom",
        params: SignatureParams,
        querystring: Scope,
        response: { 200: Signature, ...refusals },
      },
    },
    async (request) => {
      const { signature_id: signatureId } = request.params;
      const asked = { signatureId, organisation: organisationOf(request) };
      return signatureToJson(await signatures.getSignature(asked, onBehalfOf(request)));
    },
  );

  app.get(
    "/api/v1/signatures",
    {
      config: FOR_WORKLOADS_TOO,
      schema: {
        tags,
        summary: "Signatures of the requester's organisation, by artefact, type and signer",
        querystring: SignatureListQuery,
        response: { 200: SignatureList, ...refusals },
      },
    },
    async (request) => {
      const { digest: artefactDigest = "", type = "", signer = "", page_size = 0, page_token = "" } = request.query;
      const page = { pageSize: page_size, pageToken: page_token };
      const asked = { artefactDigest, type, signer, ...page, organisation: organisationOf(request) };
      const found = await signatures.listSignatures(asked, onBehalfOf(request));
      return {
        signatures: found.signatures.map(signatureToJson),
        next_page_token: found.nextPageToken === "" ? undefined : found.nextPageToken,
      };
    },
  );
}

async function signDigest(
  request: FastifyRequest<{ Querystring: Scope }>,
  signatures: Remote<SignatureServiceDefinition>,
  sha256: Uint8Array,
  signer: string,
): Promise<ProtoSignature> {
  const organisation = organisationOf(request);
  const asked = { requestId: requestIdOf(request), organisation, signer, sha256: [sha256] };
  const [signed] = (await signatures.signDigests(asked, onBehalfOf(request))).signatures;
  if (signed === undefined) throw new Error("the answer has no signature");
  return signed;
}

/** A service is who its certificate says it is, whatever it calls itself. */
function requireOwnName({ requester }: Pick<FastifyRequest, "requester">, serviceId: string): void {
  if (requester.kind === "workload" && requester.service !== serviceId)
    throw new PkiError("CALLER_NOT_ALLOWED", "service_id is not the service in the client certificate");
}

const KEYS_OF: Readonly<Record<HashAndKeyAlgorithm, RegExp>> = { "RSA-SHA256": /^rsa-/, "ECDSA-SHA256": /^ec-p256$/ };

/** The key that signs is the newest that may. */
function requireAlgorithm(keys: readonly SignerKey[], algorithm: HashAndKeyAlgorithm): void {
  const signing = keys.find(({ state }) => state === SignerState.ACTIVE);
  if (signing !== undefined && !KEYS_OF[algorithm].test(signing.keyAlgorithm))
    throw new PkiError("ALGORITHM_NOT_ALLOWED", `this signer's key is of ${signing.keyAlgorithm}`);
}
