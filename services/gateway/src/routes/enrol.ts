import { PkiError } from "@vcc-pki/errors";
import type { AuthorityServiceDefinition } from "@vcc-pki/proto/ca";
import {
  EnrolmentRequestState,
  type EnrolmentServiceDefinition,
  type EnrolledIdentity as ProtoIdentity,
} from "@vcc-pki/proto/discovery";
import type { Remote } from "@vcc-pki/rpc";
import {
  EnrolledIdentity,
  Enrolment,
  EnrolmentAsk,
  EnrolmentClaim,
  EnrolmentPending,
  EnrolmentRequestParams,
} from "../api/enrolment.ts";
import { NoQuery } from "../api/fields.ts";
import { decodeCsr } from "../csr.ts";
import { type App, addressOf, FOR_ANYONE } from "../http.ts";
import { identityToJson } from "../wire/enrolment.ts";
import { refusals } from "./documented.ts";

export interface EnrolPeers {
  readonly enrolment: Remote<EnrolmentServiceDefinition>;
  readonly authorities: Remote<AuthorityServiceDefinition>;
}

const tags = ["enrolment"];
/** Nobody's certificate is asked for (OpenAPI: no security requirement). */
const security: [] = [];

/** The doors of a service that has no certificate yet. Who it is says what it brings: a token, its cluster's word, or the secret of a request that an administrator
 *  has approved. Nothing is asked in anybody's name. */
export function enrolRoutes(app: App, { enrolment, authorities }: EnrolPeers): void {
  const toJson = async (identity: ProtoIdentity): Promise<EnrolledIdentity> =>
    identityToJson(identity, (await authorities.getTrustBundle({})).rootsDer);

  app.post(
    "/api/v1/enrol",
    {
      config: FOR_ANYONE,
      schema: {
        ...{ tags, security, querystring: NoQuery, body: Enrolment },
        summary:
          "A service's first certificate, by a token or a Kubernetes service account token; without client certificate",
        response: { 200: EnrolledIdentity, ...refusals },
      },
    },
    async (request) => {
      const { attestation, csr, request_id: requestId } = request.body;
      const identity = await enrolment.enrol({
        ...{ requestId, csrDer: decodeCsr(csr), peerAddress: addressOf(request) },
        attestation: { $case: attestation.kind, value: { token: attestation.token } },
      });
      return toJson(identity);
    },
  );

  app.post(
    "/api/v1/enrol/requests",
    {
      config: FOR_ANYONE,
      schema: {
        ...{ tags, security, querystring: NoQuery, body: EnrolmentAsk },
        summary:
          "Ask for a service's first certificate, which an administrator has to approve; without client certificate",
        response: { 202: EnrolmentPending, ...refusals },
      },
    },
    async (request, reply) => {
      const { organisation, service, csr } = request.body;
      const asked = { organisation, service, csrDer: decodeCsr(csr), peerAddress: addressOf(request) };
      const { enrolmentRequestId, secret, expiresAt } = await enrolment.requestEnrolment(asked);
      const answer = { request_id: enrolmentRequestId, secret, status: "pending" as const };
      return reply.code(202).send({ ...answer, expires_at: expiresAt?.toISOString() });
    },
  );

  app.post(
    "/api/v1/enrol/requests/:request_id/claim",
    {
      config: FOR_ANYONE,
      schema: {
        ...{ tags, security, querystring: NoQuery, params: EnrolmentRequestParams, body: EnrolmentClaim },
        summary: "The certificate that was asked for, once it is approved; without client certificate",
        response: { 200: EnrolledIdentity, 202: EnrolmentPending, ...refusals },
      },
    },
    async (request, reply) => {
      const { request_id: requestId } = request.params;
      const claim = { enrolmentRequestId: requestId, secret: request.body.secret };
      const { state, identity } = await enrolment.claimEnrolment(claim);
      if (identity !== undefined) return reply.send(await toJson(identity));
      if (state === EnrolmentRequestState.PENDING)
        return reply.code(202).send({ request_id: requestId, status: "pending" as const });
      const isRefused = state === EnrolmentRequestState.REFUSED;
      throw new PkiError("ENROLMENT_REFUSED", isRefused ? "an administrator has refused it" : "it has expired");
    },
  );
}
