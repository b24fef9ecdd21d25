import type { CertificateServiceDefinition, ServiceGrantServiceDefinition } from "@vcc-pki/proto/ca";
import type { Service as ProtoService, RegistryServiceDefinition } from "@vcc-pki/proto/discovery";
import type { Remote } from "@vcc-pki/rpc";
import { IdempotencyHeaders, Scope } from "../api/fields.ts";
import {
  DependencyList,
  Service,
  ServiceHistory,
  ServiceList,
  ServiceListQuery,
  ServiceParams,
  ServiceRegistration,
  ServiceUpdate,
} from "../api/services.ts";
import { type App, onBehalfOf, organisationOf, requestIdOf } from "../http.ts";
import { DEFAULT_PROFILE, endIdentity, grantService, isSame, withdrawOthers } from "../service-grants.ts";
import {
  changeToJson,
  dependencyToJson,
  registrationToProto,
  serviceStateToProto,
  serviceToJson,
} from "../wire/services.ts";
import { present } from "../wire/values.ts";
import { refusals } from "./documented.ts";

export interface ServicePeers {
  readonly registry: Remote<RegistryServiceDefinition>;
  readonly grants: Remote<ServiceGrantServiceDefinition>;
  readonly certificates: Remote<CertificateServiceDefinition>;
  readonly trustDomain: string;
}

const tags = ["services"];

/** Which services there are, and which of them may have an identity. The registry is the discovery service's; what it may obtain certificates for the
 *  ca is told first, in the administrator's name. */
export function serviceRoutes(app: App, peers: ServicePeers): void {
  const { registry } = peers;
  app.get(
    "/api/v1/services",
    {
      schema: {
        tags,
        summary: "Services of the organisation, a page at a time",
        querystring: ServiceListQuery,
        response: { 200: ServiceList, ...refusals },
      },
    },
    async (request) => {
      const { query } = request;
      const filter = {
        ...{ organisation: organisationOf(request), state: serviceStateToProto(query.status), type: query.type ?? "" },
        ...{ pageSize: query.page_size ?? 0, pageToken: query.page_token ?? "" },
      };
      const page = await registry.list(filter, onBehalfOf(request));
      return { services: page.services.map(serviceToJson), next_page_token: present(page.nextPageToken) };
    },
  );

  app.post(
    "/api/v1/services",
    {
      schema: {
        tags,
        summary: "Register a service; it gets an identity once it is approved",
        querystring: Scope,
        headers: IdempotencyHeaders,
        body: ServiceRegistration,
        response: { 201: Service, ...refusals },
      },
    },
    async (request, reply) => {
      const service = registrationToProto(organisationOf(request), request.body);
      const made = await registry.register({ requestId: requestIdOf(request), service }, onBehalfOf(request));
      return reply.code(201).header("location", `/api/v1/services/${made.service}`).send(serviceToJson(made));
    },
  );

  app.get(
    "/api/v1/services/:service",
    {
      schema: {
        tags,
        summary: "One service with its state and certificate",
        params: ServiceParams,
        querystring: Scope,
        response: { 200: Service, ...refusals },
      },
    },
    async (request) => serviceToJson(await registry.get(keyOf(request), onBehalfOf(request))),
  );

  app.put(
    "/api/v1/services/:service",
    {
      schema: {
        tags,
        summary: "Replace what is said of a service; an approved one may have its new names at once",
        params: ServiceParams,
        querystring: Scope,
        headers: IdempotencyHeaders,
        body: ServiceUpdate,
        response: { 200: Service, ...refusals },
      },
    },
    async (request) => {
      const { version = 0, ...said } = request.body;
      const [requestId, as] = [requestIdOf(request), onBehalfOf(request)];
      const key = keyOf(request);
      const before = await registry.get(key, as);
      const service = registrationToProto(key.organisation, { ...said, service: key.service });
      const wanted = { ...key, ...grantedOf({ ...service, profile: service.profile || DEFAULT_PROFILE }) };
      const isApproved = before.approvedBy !== "";
      if (isApproved && !isSame(wanted, grantedOf(before))) await grantService(peers, wanted, requestId, as);
      const after = await registry.update({ requestId, service, version }, as);
      if (isApproved) await withdrawOthers(peers, { ...key, ...grantedOf(after) }, requestId, as);
      return serviceToJson(after);
    },
  );

  app.delete(
    "/api/v1/services/:service",
    {
      schema: {
        tags,
        summary: "Remove a service: its grants and tokens end, and its certificates are revoked",
        params: ServiceParams,
        querystring: Scope,
        headers: IdempotencyHeaders,
        response: { 200: Service, ...refusals },
      },
    },
    async (request) => {
      const [requestId, as] = [requestIdOf(request), onBehalfOf(request)];
      const key = keyOf(request);
      // First what it could still obtain, then what it has.
      const { organisation, service } = await registry.get(key, as);
      await peers.grants.withdraw({ requestId: `${requestId}.withdraw`, ...key, grantId: "" }, as);
      const removed = await registry.remove({ requestId, ...key }, as);
      await endIdentity(peers, { organisation, service }, requestId, as);
      return serviceToJson(removed);
    },
  );

  app.post(
    "/api/v1/services/:service/approve",
    {
      schema: {
        tags,
        summary: "Let a service have an identity, with the names and by the profile that are registered",
        params: ServiceParams,
        querystring: Scope,
        headers: IdempotencyHeaders,
        response: { 200: Service, ...refusals },
      },
    },
    async (request) => {
      const [requestId, as] = [requestIdOf(request), onBehalfOf(request)];
      const key = keyOf(request);
      await grantService(peers, { ...key, ...grantedOf(await registry.get(key, as)) }, requestId, as);
      return serviceToJson(await registry.approve({ requestId, ...key }, as));
    },
  );

  app.get(
    "/api/v1/dependencies",
    {
      schema: {
        tags,
        summary: "Whom the organisation's services call, as they declare it and as it was observed",
        querystring: Scope,
        response: { 200: DependencyList, ...refusals },
      },
    },
    async (request) => {
      const asked = { organisation: organisationOf(request) };
      const { dependencies } = await registry.getDependencies(asked, onBehalfOf(request));
      return { dependencies: dependencies.map(dependencyToJson) };
    },
  );

  app.get(
    "/api/v1/services/:service/history",
    {
      schema: {
        tags,
        summary: "What has happened to a service",
        params: ServiceParams,
        querystring: Scope,
        response: { 200: ServiceHistory, ...refusals },
      },
    },
    async (request) => {
      const { changes } = await registry.getHistory(keyOf(request), onBehalfOf(request));
      return { changes: changes.map(changeToJson) };
    },
  );
}

const keyOf = (request: { params: { service: string }; query: { organisation?: string } }) => ({
  organisation: organisationOf(request),
  service: request.params.service,
});

/** What a certificate of the service may have. */
const grantedOf = ({ dnsNames, ipAddresses, profile }: ProtoService) => ({ dnsNames, ipAddresses, profile });
