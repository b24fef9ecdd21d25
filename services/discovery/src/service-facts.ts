import { event } from "@vcc-pki/events";
import type { OutboxEvent } from "@vcc-pki/store";
import { type ServiceRecord, serialOf } from "./service-record.ts";
import type { Change } from "./states.ts";

/** What is told of a change. Of a certification nothing by itself: it is told with its certificate, and that the service is active if it is now. */
const FACTS = {
  discovered: "pki.service.discovered.v1",
  registered: "pki.service.registered.v1",
  approved: "pki.service.approved.v1",
  lapsed: "pki.service.lapsed.v1",
  unreachable: "pki.service.unreachable.v1",
  reached: "pki.service.active.v1",
  removed: "pki.service.removed.v1",
} as const satisfies Record<Exclude<Change, "certified">, string>;

const MAX_REASON = 300;

const stateFact = (type: (typeof FACTS)[keyof typeof FACTS], record: ServiceRecord, reason: string): OutboxEvent => {
  const { organisation, service, state } = record;
  return event(type, organisation, { service, state, reason: reason.slice(0, MAX_REASON) });
};

/** undefined: nothing is told of it. */
export const changeFact = (change: string, record: ServiceRecord, reason: string): OutboxEvent | undefined =>
  Object.hasOwn(FACTS, change) ? stateFact(FACTS[change as keyof typeof FACTS], record, reason) : undefined;

export const activeFact = (record: ServiceRecord, reason: string): OutboxEvent =>
  stateFact("pki.service.active.v1", record, reason);

export function certifiedFact(
  { organisation, service }: ServiceRecord,
  certificate: NonNullable<ServiceRecord["certificate"]>,
): OutboxEvent {
  const { certificateId, notAfter } = certificate;
  return event("pki.service.certified.v1", organisation, { service, certificateId, notAfter: notAfter.toISOString() });
}

export const servedFact = (
  { organisation, service }: ServiceRecord,
  certificate: NonNullable<ServiceRecord["certificate"]>,
): OutboxEvent => event("pki.service.served.v1", organisation, { service, serialHex: serialOf(certificate) });
