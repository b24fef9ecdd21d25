import type { Telemetry } from "@vcc-pki/telemetry";
import type { Answer } from "./answer.ts";

/** Answers sent, by kind. Counted where forty thousand are sent a second, so plain numbers. */
export type AnswerCounts = Record<Answer["kind"], number>;

export const createAnswerCounts = (): AnswerCounts => ({
  ...{ ahead: 0, "on-demand": 0, malformedRequest: 0, internalError: 0, tryLater: 0, sigRequired: 0, unauthorized: 0 },
});

/** What this service counts. Labels are bounded: kinds of answers, error codes. */
export function createMetrics(meter: Telemetry["meter"], counts: AnswerCounts) {
  meter
    .createObservableCounter("pki.ocsp.answers", {
      description: "OCSP answers sent, by kind: ahead, on-demand, or the error",
    })
    .addCallback((result) => {
      for (const [kind, count] of Object.entries(counts)) result.observe(count, { kind });
    });
  return {
    signedAhead: meter.createCounter("pki.ocsp.signed_ahead", { description: "Answers signed ahead" }),
    signaturesFailed: meter.createCounter("pki.ocsp.signatures.failed", {
      description: "Signatures that did not come, by code",
    }),
    changes: meter.createCounter("pki.status.changes", { description: "Changes of status recorded" }),
  };
}

export type Metrics = ReturnType<typeof createMetrics>;
