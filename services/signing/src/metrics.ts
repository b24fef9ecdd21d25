import type { Telemetry } from "@vcc-pki/telemetry";

/** What this service counts. Labels are bounded: formats, error codes. */
export const createMetrics = (meter: Telemetry["meter"]) => ({
  signatures: meter.createCounter("pki.signing.signatures", { description: "Signatures that were made, by format" }),
  failures: meter.createCounter("pki.signing.failures", { description: "Signatures that could not be made, by code" }),
});

export type Metrics = ReturnType<typeof createMetrics>;
