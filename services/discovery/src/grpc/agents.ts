import { PkiError } from "@vcc-pki/errors";
import {
  AgentEventKind,
  type AgentEvent as AgentEventMessage,
  AgentServiceDefinition,
  ProvisionRequest,
  type WatchEvent as WatchEventMessage,
} from "@vcc-pki/proto/discovery";
import { type Callers, implement, requestKey, type ServiceImplementation } from "@vcc-pki/rpc";
import { requireWorkload } from "@vcc-pki/service";
import type { AgentEvent, AgentReports } from "../agent-reports.ts";
import type { Enrol } from "../enrol.ts";
import type { Registry } from "../registry.ts";
import { readRequestedIdentity, requireAdmitted } from "../requested-identity.ts";
import { parseServiceName } from "../service-fields.ts";
import type { WatchEvent, Watches } from "../watch.ts";
import { identityToProto } from "./enrolment.ts";

export interface AgentDoor {
  readonly watches: Watches;
  readonly reports: AgentReports;
  readonly registry: Registry;
  readonly enrol: Enrol;
  readonly trustDomain: string;
}

/** Agents come through the gateway, with their service's certificate. */
const DOOR = ["gateway"] as const;

const CALLERS: Callers<typeof AgentServiceDefinition> = { report: DOOR, watch: DOOR, provision: DOOR };

const MAX_EVENTS = 100;
const MAX_ANCHORS = 20;
const SHA256_OCTETS = 32;

export function agentService({ watches, reports, registry, enrol, trustDomain }: AgentDoor): ServiceImplementation {
  return implement(
    AgentServiceDefinition,
    {
      async report({ events }, context) {
        if (events.length > MAX_EVENTS) throw new PkiError("REQUEST_MALFORMED", `${MAX_EVENTS} events at most`);
        await reports.record(requireWorkload(context), events.map(parseEvent));
        return {};
      },

      async *watch({ lastEventId }, context) {
        const agent = requireWorkload(context);
        await reports.record(agent, []);
        for await (const each of watches.follow(agent, lastEventId, context.signal)) yield eventToProto(each);
      },

      /** A service that is not the agent's looks like one that does not exist. */
      async provision(request, context) {
        const { organisation, service: agent, uri } = requireWorkload(context);
        const key = { organisation, service: parseServiceName(request.service) };
        const record = registry.find(key);
        if (record?.managedBy !== agent) throw new PkiError("NOT_FOUND", "no such service");
        const { requestId, contentSha256 } = requestKey(context, "provision", ProvisionRequest, request);
        const attestation = { attestor: `agent ${uri}`, requestId, contentSha256 };
        if (enrol.find(attestation) === undefined)
          requireAdmitted(await readRequestedIdentity(request.csrDer, key, trustDomain), record);
        const wish = { ...key, profile: record.profile, csrDer: request.csrDer };
        return identityToProto(await enrol.run(attestation, wish, context), trustDomain);
      },
    },
    CALLERS,
  );
}

const KINDS: Partial<Record<AgentEventKind, AgentEvent["kind"]>> = {
  [AgentEventKind.DEPLOYED]: "deployed",
  [AgentEventKind.SERVED]: "served",
  [AgentEventKind.FAILED]: "failed",
  [AgentEventKind.BUNDLE_ACKNOWLEDGED]: "bundle_acknowledged",
};

function parseEvent({ kind, service, serialHex, endpoint, detail, anchorsSha256 }: AgentEventMessage): AgentEvent {
  const named = KINDS[kind];
  const isText = (text: string, maximum: number) =>
    text.length <= maximum && text.isWellFormed() && !/\p{Cc}/u.test(text);
  const isSerial = /^([0-9a-f]{2}){0,20}$/.test(serialHex);
  if (named === undefined || !isSerial || !isText(endpoint, 300) || !isText(detail, 500))
    throw new PkiError("REQUEST_MALFORMED", "not an event of an agent");
  if (anchorsSha256.length > MAX_ANCHORS || anchorsSha256.some(({ length }) => length !== SHA256_OCTETS))
    throw new PkiError("REQUEST_MALFORMED", "an anchor is named by its SHA-256");
  return {
    ...{ kind: named, service: service === "" ? "" : parseServiceName(service), serialHex, endpoint, detail },
    anchorsSha256,
  };
}

const eventToProto = (each: WatchEvent): WatchEventMessage => ({
  eventId: each.eventId,
  notice:
    each.kind === "renew"
      ? { $case: "renew", value: { service: each.notice.service, reason: each.notice.reason } }
      : { $case: "bundle", value: { anchorsSha256: [...each.anchorsSha256] } },
});
