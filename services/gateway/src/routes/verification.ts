import type { VerificationServiceDefinition } from "@vcc-pki/proto/signing";
import type { Remote } from "@vcc-pki/rpc";
import type { FastifyRequest } from "fastify";
import { IdempotencyHeaders, Scope } from "../api/fields.ts";
import { ArtefactTypeParams } from "../api/signing.ts";
import { HashToVerify, VerificationAnswer, VerificationQuestion, VerifiedHash } from "../api/verification.ts";
import { type App, FOR_WORKLOADS_TOO, onBehalfOf, organisationOf, requestIdOf } from "../http.ts";
import { octets } from "../wire/values.ts";
import { verificationToJson, verificationToProto } from "../wire/verification.ts";
import { refusals } from "./documented.ts";

const tags = ["signing"];

/** Paths and digests of many thousand files, and a bundle with as many. */
const BODY_LIMIT_BYTES = 32 * 1024 * 1024;
const DIGEST_BODY_LIMIT_BYTES = 2 * 1024 * 1024;

/** Whether what was signed may be used. What does not hold is an answer; what cannot be said is an error, and never ok. */
export function verificationRoutes(app: App, verification: Remote<VerificationServiceDefinition>): void {
  const verify = async (request: FastifyRequest<{ Querystring: Scope }>, type: string, body: VerificationQuestion) => {
    const question = verificationToProto(type, body, requestIdOf(request));
    const asked = { ...question, organisation: organisationOf(request) };
    return verificationToJson(await verification.verify(asked, onBehalfOf(request)));
  };

  app.post(
    "/api/v1/verify/signature",
    {
      bodyLimit: BODY_LIMIT_BYTES,
      config: FOR_WORKLOADS_TOO,
      schema: {
        tags,
        summary: "Whether a signed artefact may be used, by a policy of the suite's: every check by its name",
        querystring: Scope,
        headers: IdempotencyHeaders,
        body: VerificationQuestion,
        response: { 200: VerificationAnswer, ...refusals },
      },
    },
    (request) => verify(request, "", request.body),
  );

  app.post(
    "/api/v1/verify/:type",
    {
      bodyLimit: BODY_LIMIT_BYTES,
      config: FOR_WORKLOADS_TOO,
      schema: {
        tags,
        summary: "The same, of an artefact that has to be of this type: python-package, lora-adapter, ...",
        params: ArtefactTypeParams,
        querystring: Scope,
        headers: IdempotencyHeaders,
        body: VerificationQuestion,
        response: { 200: VerificationAnswer, ...refusals },
      },
    },
    (request) => verify(request, request.params.type.replaceAll("-", "_"), request.body),
  );

  app.post(
    "/api/v1/verify",
    {
      bodyLimit: DIGEST_BODY_LIMIT_BYTES,
      config: FOR_WORKLOADS_TOO,
      schema: {
        tags,
        summary: "Whether a service has signed a SHA-256 digest, in the words of ThemisDB",
        querystring: Scope,
        headers: IdempotencyHeaders,
        body: HashToVerify,
        response: { 200: VerifiedHash, ...refusals },
      },
    },
    async (request) => {
      const { hash_b64, signature_b64, service_id: signer = "" } = request.body;
      const items = [{ sha256: octets(hash_b64), signedDataDer: octets(signature_b64) }];
      const asked = { requestId: requestIdOf(request), organisation: organisationOf(request), signer, items };
      const { results } = await verification.verifyDigests(asked, onBehalfOf(request));
      return { ok: results.length === 1 && results[0]?.ok === true };
    },
  );
}
