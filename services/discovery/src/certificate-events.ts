import { type FactEvent, subscribe } from "@vcc-pki/events";
import type { Part, PartContext } from "./part.ts";

const LAPSE_INTERVAL_MS = 30_000;
const LAPSED_AT_ONCE = 200;

/** What the ca says of certificates of services, whoever asked for them: it is how the registry learns of renewals and revocations. Without the
 *  bus it learns of what was issued through this service alone; facts wait at the ca until the bus is there. */
export function certificateEvents(context: PartContext): Part {
  const { bus, store, log, telemetry, registry, self } = context;
  const subscription =
    bus &&
    subscribe({
      ...{ bus, store, log, meter: telemetry.meter },
      ...{ durable: "discovery-certificates", subject: "pki.*.certificate.*" },
      handler: (fact) => apply(fact, context),
    });
  return {
    services: [],
    chores: {
      lapse: {
        everyMs: LAPSE_INTERVAL_MS,
        async run() {
          while ((await store.write(() => registry.lapse(LAPSED_AT_ONCE, self))) === LAPSED_AT_ONCE);
        },
      },
    },
    close: async () => subscription?.close(),
  };
}

function apply({ type, data, organisation, source }: FactEvent, { registry, config }: PartContext): void {
  if (type === "pki.certificate.issued.v1") {
    const { service, profile, certificateId, notBefore, notAfter } = data;
    if (service === undefined || notBefore === undefined || !config.profiles.includes(profile)) return;
    const certificate = {
      ...{ certificateId, profile, notBefore: new Date(notBefore), notAfter: new Date(notAfter) },
      ...{ servedAt: undefined, revokedAt: undefined },
    };
    registry.certify({ organisation, service }, certificate, { actor: source, reason: "certified by the ca" });
  } else if (type === "pki.certificate.revoked.v1") {
    const cause = { actor: source, reason: `its certificate was revoked: ${data.reason}` };
    registry.revoke(organisation, data.certificateId, new Date(data.revokedAt), cause);
  } else if (type === "pki.certificate.released.v1") {
    registry.release(organisation, data.certificateId, { actor: source, reason: "its certificate is on hold no more" });
  }
}
