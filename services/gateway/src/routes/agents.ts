import { Readable } from "node:stream";
import { ERRORS, PkiError } from "@vcc-pki/errors";
import type { AuthorityServiceDefinition, CertificateServiceDefinition } from "@vcc-pki/proto/ca";
import type { AgentServiceDefinition, BundleNotice, WatchEvent } from "@vcc-pki/proto/discovery";
import type { Remote } from "@vcc-pki/rpc";
import { parseCertificate } from "@vcc-pki/x509";
import type { FastifyRequest } from "fastify";
import { z } from "zod";
import { AgentReport, EnrolledIdentity, Provisioning, Renewal } from "../api/enrolment.ts";
import { NoQuery } from "../api/fields.ts";
import { tlsSocketOf } from "../app.ts";
import { decodeCsr } from "../csr.ts";
import { EVENT_STREAM, EventStreams, type ServerSentEvent, type StreamRules } from "../event-stream.ts";
import { type App, FOR_WORKLOADS, onBehalfOf, workloadOf } from "../http.ts";
import { agentEventToProto, identityToJson } from "../wire/enrolment.ts";
import { known } from "../wire/values.ts";
import { raw, refusals } from "./documented.ts";

export interface AgentRouteOptions extends StreamRules {
  readonly agents: Remote<AgentServiceDefinition>;
  readonly authorities: Remote<AuthorityServiceDefinition>;
  readonly certificates: Remote<CertificateServiceDefinition>;
}

const tags = ["agents"];

/** For agents, with the certificate of their service. A renewal is the ca's own business with the service; the rest the discovery service's. */
export function agentRoutes(app: App, options: AgentRouteOptions): void {
  const { agents, authorities, certificates } = options;
  const streams = new EventStreams(options);
  const roots = async () => (await authorities.getTrustBundle({})).rootsDer;

  app.post(
    "/api/v1/agent/renew",
    {
      config: FOR_WORKLOADS,
      schema: {
        ...{ tags, querystring: NoQuery, body: Renewal },
        summary: "A new certificate for the names and by the profile of the one that is shown, with a new key",
        response: { 200: EnrolledIdentity, ...refusals },
      },
    },
    async (request) => {
      const as = onBehalfOf(request);
      const { certificate: shown } = await certificates.get({ organisation: "", certificateId: serialOf(request) }, as);
      const { profile, authorityId } = known(shown, "certificate");
      const wanted = { organisation: "", profile, authorityId, validitySeconds: 0 };
      const renewal = { requestId: request.body.request_id, csrDer: decodeCsr(request.body.csr), ...wanted };
      const { certificate, chainDer } = await certificates.issue(renewal, as);
      const { organisation, service, uri: spiffeId } = workloadOf(request);
      return identityToJson(
        { ...known(certificate, "certificate"), organisation, service, spiffeId, chainDer },
        await roots(),
      );
    },
  );

  app.post(
    "/api/v1/agent/provision",
    {
      config: FOR_WORKLOADS,
      schema: {
        ...{ tags, querystring: NoQuery, body: Provisioning },
        summary: "A certificate for another service that this agent looks after (managed_by), which is approved",
        response: { 200: EnrolledIdentity, ...refusals },
      },
    },
    async (request) => {
      const { service, csr, request_id: requestId } = request.body;
      const identity = await agents.provision({ requestId, service, csrDer: decodeCsr(csr) }, onBehalfOf(request));
      return identityToJson(identity, await roots());
    },
  );

  app.post(
    "/api/v1/agent/report",
    {
      config: FOR_WORKLOADS,
      schema: {
        ...{ tags, querystring: NoQuery, body: AgentReport },
        summary: "What an agent has deployed, seen served, or could not do",
        response: { 204: z.null().describe("It is on record"), ...refusals },
      },
    },
    async (request, reply) => {
      await agents.report({ events: request.body.events.map(agentEventToProto) }, onBehalfOf(request));
      return reply.code(204).send(null);
    },
  );

  app.get(
    "/api/v1/agent/watch",
    {
      config: FOR_WORKLOADS,
      schema: {
        ...{ tags, querystring: NoQuery },
        summary: "What an agent has to do (server-sent events renew and bundle); Last-Event-ID resumes",
        response: {
          200: { description: "renew, bundle", content: { [EVENT_STREAM]: raw("event-stream") } },
          ...refusals,
        },
      },
    },
    async (request, reply) => {
      const lastEventId = String(request.headers["last-event-id"] ?? "");
      if (!/^(\d{1,15}\.\d{1,15})?$/.test(lastEventId))
        throw new PkiError("REQUEST_MALFORMED", "not an event of this stream");
      const events = (signal: AbortSignal) =>
        notices(agents.watch({ lastEventId }, { ...onBehalfOf(request), signal }));
      const stream = streams.open(request, reply, events, () => options.identifyAgain(request));
      return reply.type(EVENT_STREAM).send(Readable.from(stream));
    },
  );
}

/** Of the certificate that the connection has shown. */
function serialOf(request: FastifyRequest): string {
  const der = tlsSocketOf(request).getPeerX509Certificate()?.raw;
  if (der === undefined) throw new Error("a route for workloads let somebody in without certificate");
  return parseCertificate(der).serialHex;
}

/** Ends where the discovery service ends it: an agent comes back, and goes on after the event that it has seen last. */
async function* notices(events: AsyncIterable<WatchEvent>): AsyncGenerator<ServerSentEvent> {
  try {
    for await (const { eventId: id, notice } of events) {
      if (notice?.$case === "renew") yield { id, event: "renew", data: notice.value };
      if (notice?.$case === "bundle") yield { id, event: "bundle", data: bundleToJson(notice.value) };
    }
  } catch (error) {
    if (!(error instanceof PkiError && ERRORS[error.code].retry)) throw error;
  }
}

const bundleToJson = ({ anchorsSha256 }: BundleNotice) => ({
  fingerprints: anchorsSha256.map((each) => Buffer.from(each).toString("hex")),
});
