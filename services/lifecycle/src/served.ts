import { PkiError } from "@vcc-pki/errors";
import type { FactEvent } from "@vcc-pki/events";
import type { Clock } from "@vcc-pki/time";
import type { Life } from "./life.ts";
import type { CertificateTable } from "./store/certificates.ts";

/** How long an event about a certificate that is not known waits for the ca's log to say what it is. */
const PATIENCE_MS = 10 * 60_000;

export interface ServedOptions {
  readonly certificates: CertificateTable;
  readonly life: Life;
  readonly trustDomain: string;
  readonly clock: Clock;
  /** Asks the ca at once. */
  readonly onUnknown: () => void;
}

/** What discovery says of services: a certificate was seen in a handshake, an agent was told to renew. Throws NOT_FOUND to have an event delivered
 *  again, when the ca's log has not told yet what it is about. */
export function applyServiceFact(fact: FactEvent, options: ServedOptions): void {
  const { life, certificates, trustDomain, clock, onUnknown } = options;
  const { organisation, source: actor } = fact;
  const at = new Date(fact.time);
  if (fact.type === "pki.service.served.v1") {
    const { service, serialHex } = fact.data;
    const [certificate] = certificates.findBySerial(organisation, serialHex);
    if (certificate !== undefined) {
      life.serve(certificate, { actor, at, reason: `${service} was seen using it` });
      return;
    }
    onUnknown();
    if (clock.now().getTime() - at.getTime() < PATIENCE_MS) throw new PkiError("NOT_FOUND", "no such certificate yet");
  } else if (fact.type === "pki.service.told.v1") {
    const { service, reason } = fact.data;
    const uri = `spiffe://${trustDomain}/org/${organisation}/service/${service}`;
    const newest = certificates.findNewestOfSubject(organisation, uri);
    if (newest) life.happen(newest, "told", { actor, at, reason: `${service} was told: ${reason}` });
  }
}
