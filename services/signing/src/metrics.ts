import type { Telemetry } from "@vcc-pki/telemetry";

/** What this service counts. Labels are bounded: formats, error codes. */
export const createMetrics = (meter: Telemetry["meter"]) => ({
  signatures: meter.createCounter("pki.signing.signatures", { description: "Signatures that were made, by format" }),
  failures: meter.createCounter("pki.signing.failures", { description: "Signatures that could not be made, by code" }),
  verifications: meter.createCounter("pki.signing.verifications", {
    description: "Verifications in which all held, by format",
  }),
  refusals: meter.createCounter("pki.signing.verification.failures", {
    description: "Verifications that failed, by the first code",
  }),
});

export type Metrics = ReturnType<typeof createMetrics>;
