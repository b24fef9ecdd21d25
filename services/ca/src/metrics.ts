import type { Telemetry } from "@vcc-pki/telemetry";

/** What this service counts. Labels are bounded: profiles, authorities, reasons, error codes. */
export const createMetrics = (meter: Telemetry["meter"]) => ({
  issued: meter.createCounter("pki.certificates.issued", {
    description: "Certificates issued, by profile and authority",
  }),
  revoked: meter.createCounter("pki.certificates.revoked", {
    description: "Certificates revoked, by authority and reason",
  }),
  refused: meter.createCounter("pki.requests.refused", {
    description: "Requests refused or failed, by action and code",
  }),
});

export type Metrics = ReturnType<typeof createMetrics>;
