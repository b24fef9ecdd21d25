import type { ServiceGrantServiceDefinition } from "@vcc-pki/proto/ca";
import type { EnrolmentServiceDefinition, RegistryServiceDefinition } from "@vcc-pki/proto/discovery";
import type { Remote } from "@vcc-pki/rpc";
import {
  EnrolmentDecision,
  EnrolmentRequest,
  EnrolmentRequestList,
  EnrolmentRequestListQuery,
  EnrolmentRequestParams,
} from "../api/enrolment.ts";
import { IdempotencyHeaders, Scope } from "../api/fields.ts";
import { type App, onBehalfOf, organisationOf, requestIdOf } from "../http.ts";
import { DEFAULT_PROFILE, findService, grantService } from "../service-grants.ts";
import { enrolmentRequestToJson, requestStateToProto } from "../wire/enrolment.ts";
import { refusals } from "./documented.ts";

export interface EnrolmentRequestPeers {
  readonly enrolment: Remote<EnrolmentServiceDefinition>;
  readonly registry: Remote<RegistryServiceDefinition>;
  readonly grants: Remote<ServiceGrantServiceDefinition>;
}

const tags = ["enrolment"];
/** A request that was approved in its last moment is claimed within a day. */
const CLAIM_MS = 25 * 3_600_000;

/** Services without token that ask for an identity: an administrator decides. */
export function enrolmentRequestRoutes(app: App, peers: EnrolmentRequestPeers): void {
  const { enrolment } = peers;
  app.get(
    "/api/v1/enrolment/requests",
    {
      schema: {
        tags,
        summary: "Services of the organisation that ask for an identity",
        querystring: EnrolmentRequestListQuery,
        response: { 200: EnrolmentRequestList, ...refusals },
      },
    },
    async (request) => {
      const wanted = { organisation: organisationOf(request), state: requestStateToProto(request.query.status) };
      const { requests } = await enrolment.listEnrolmentRequests(wanted, onBehalfOf(request));
      return { requests: requests.map(enrolmentRequestToJson) };
    },
  );

  app.get(
    "/api/v1/enrolment/requests/:request_id",
    {
      schema: {
        tags,
        summary: "One of them",
        params: EnrolmentRequestParams,
        querystring: Scope,
        response: { 200: EnrolmentRequest, ...refusals },
      },
    },
    async (request) => enrolmentRequestToJson(await enrolment.getEnrolmentRequest(keyOf(request), onBehalfOf(request))),
  );

  app.post(
    "/api/v1/enrolment/requests/:request_id/decide",
    {
      schema: {
        tags,
        summary: "Approve it, which approves the service, or refuse it: for good",
        params: EnrolmentRequestParams,
        querystring: Scope,
        headers: IdempotencyHeaders,
        body: EnrolmentDecision,
        response: { 200: EnrolmentRequest, ...refusals },
      },
    },
    async (request) => {
      const [requestId, as] = [requestIdOf(request), onBehalfOf(request)];
      const key = keyOf(request);
      const asked = await enrolment.getEnrolmentRequest(key, as);
      const { organisation, service, dnsNames, ipAddresses, requestedAt } = asked;
      const known = await findService(peers, { organisation, service }, as);
      const profile = request.body.profile ?? known?.profile ?? DEFAULT_PROFILE;
      const approved = request.body.decision === "approve";
      if (approved) {
        // From when it was asked: the same for a repeat. A decision comes within a day of it, a claim within another.
        const until = new Date((requestedAt?.getTime() ?? 0) + 2 * CLAIM_MS);
        await grantService(peers, { organisation, service, dnsNames, ipAddresses, profile }, requestId, as, until);
      }
      const decided = await enrolment.decideEnrolment({ requestId, ...key, approved, profile }, as);
      return enrolmentRequestToJson(decided);
    },
  );
}

const keyOf = (request: { params: { request_id: string }; query: { organisation?: string } }) => ({
  organisation: organisationOf(request),
  enrolmentRequestId: request.params.request_id,
});
