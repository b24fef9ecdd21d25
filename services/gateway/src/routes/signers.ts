import type { CertificateServiceDefinition } from "@vcc-pki/proto/ca";
import type { SignerServiceDefinition } from "@vcc-pki/proto/signing";
import type { Remote } from "@vcc-pki/rpc";
import { IdempotencyHeaders, Scope } from "../api/fields.ts";
import { Signer, SignerCreation, SignerList, SignerListQuery, SignerParams } from "../api/signing.ts";
import { type App, onBehalfOf, organisationOf, requestIdOf } from "../http.ts";
import { signerToJson } from "../wire/signing.ts";
import { refusals } from "./documented.ts";

const tags = ["signing"];

/** Who signs artefacts. The signing service has the keys and cannot obtain a certificate for them; the ca has the certificates and no keys.
 *  Here, in the administrator's name, the one's request becomes the other's certificate. */
export function signerRoutes(
  app: App,
  signers: Remote<SignerServiceDefinition>,
  certificates: Remote<CertificateServiceDefinition>,
): void {
  app.post(
    "/api/v1/signers",
    {
      schema: {
        tags,
        summary:
          "A key and a certificate for a signer of the requester's organisation; a second one takes over from the first",
        querystring: Scope,
        headers: IdempotencyHeaders,
        body: SignerCreation,
        response: { 201: Signer, ...refusals },
      },
    },
    async (request, reply) => {
      const requestId = requestIdOf(request);
      const { signer, key_algorithm: keyAlgorithm = "", profile = "" } = request.body;
      const [as, organisation] = [onBehalfOf(request), organisationOf(request)];
      // Each step has one outcome under this request id, so that a repeat goes on where the first attempt ended.
      const key = await signers.createSigner({ requestId, organisation, signer, keyAlgorithm, profile }, as);
      const asked = { profile: key.profile, csrDer: key.csrDer, authorityId: "", validitySeconds: 0 };
      const issued = { requestId: `${requestId}.certificate`, organisation, ...asked };
      const { chainDer } = await certificates.issue(issued, as);
      const installed = await signers.installCertificate({ organisation, signerKeyId: key.signerKeyId, chainDer }, as);
      return reply.code(201).send(signerToJson(installed));
    },
  );

  app.get(
    "/api/v1/signers",
    {
      schema: {
        tags,
        summary: "Signers of the requester's organisation",
        querystring: SignerListQuery,
        response: { 200: SignerList, ...refusals },
      },
    },
    async (request) => {
      const { keys } = await signers.listSigners(
        { signer: request.query.signer ?? "", organisation: organisationOf(request) },
        onBehalfOf(request),
      );
      return { signers: keys.map(signerToJson) };
    },
  );

  app.post(
    "/api/v1/signers/:signer_key_id/retire",
    {
      schema: {
        tags,
        summary: "It signs nothing any more; what it has signed lives by its time stamps",
        params: SignerParams,
        querystring: Scope,
        response: { 200: Signer, ...refusals },
      },
    },
    async (request) =>
      signerToJson(
        await signers.retireSigner(
          { signerKeyId: request.params.signer_key_id, organisation: organisationOf(request) },
          onBehalfOf(request),
        ),
      ),
  );
}
