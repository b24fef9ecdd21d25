import type { Telemetry } from "@vcc-pki/telemetry";
import type { PkiFailureInfo } from "@vcc-pki/x509";

/** Answers, by what was answered. Plain numbers, for thousands are counted in a second. */
export type AnswerCounts = Record<"granted" | PkiFailureInfo, number>;

export const createAnswerCounts = (): AnswerCounts => ({
  ...{ granted: 0, badAlg: 0, badRequest: 0, badDataFormat: 0, timeNotAvailable: 0, unacceptedPolicy: 0 },
  ...{ unacceptedExtension: 0, addInfoNotAvailable: 0, systemFailure: 0 },
});

export interface Gauges {
  /** Whether the time is proven now. */
  readonly isClockAvailable: () => boolean;
  /** How far the clock may be wrong, in milliseconds; undefined: not known. */
  readonly clockErrorMs: () => number | undefined;
  /** Unit, and until when its key signs. */
  readonly units: () => readonly { readonly unit: string; readonly signsUntil: Date }[];
}

/** What this service counts. Labels are bounded: PKIFailureInfo, error codes, configured units. */
export function createMetrics(meter: Telemetry["meter"], counts: AnswerCounts, gauges: Gauges) {
  meter
    .createObservableCounter("pki.tsa.answers", {
      description: "Answers to requests for time stamps: granted, or why not",
    })
    .addCallback((result) => {
      for (const [outcome, count] of Object.entries(counts)) result.observe(count, { outcome });
    });
  meter
    .createObservableGauge("pki.tsa.clock.available", { description: "1 while the time is proven, 0 otherwise" })
    .addCallback((result) => result.observe(gauges.isClockAvailable() ? 1 : 0));
  meter
    .createObservableGauge("pki.tsa.clock.error", {
      description: "How far the clock may be from UTC",
      unit: "s",
    })
    .addCallback((result) => {
      const errorMs = gauges.clockErrorMs();
      if (errorMs !== undefined) result.observe(errorMs / 1_000);
    });
  meter
    .createObservableGauge("pki.tsa.unit.signs_until", {
      description: "End of the usage period of each unit's key, in seconds since 1970",
      unit: "s",
    })
    .addCallback((result) => {
      for (const { unit, signsUntil } of gauges.units()) result.observe(signsUntil.getTime() / 1_000, { unit });
    });
  return {
    failures: meter.createCounter("pki.tsa.failures", {
      description: "Tokens that could not be made, by code",
    }),
    clockChanges: meter.createCounter("pki.tsa.clock.changes", {
      description: "Changes of the clock's state, by the state it came to",
    }),
  };
}

export type Metrics = ReturnType<typeof createMetrics>;
