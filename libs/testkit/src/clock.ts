import type { Clock } from "@vcc-pki/time";

export interface FakeClock extends Clock {
  /** Lets `ms` pass: wall clock and monotonic counter move together. */
  advance(ms: number): void;
  /** Steps the wall clock by `ms` (may be negative) while no time passes. */
  step(ms: number): void;
}

/** A clock that stands still until told otherwise. */
export function fakeClock(start: Date | string = "2026-11-01T00:00:00Z"): FakeClock {
  let wallMs = new Date(start).getTime();
  let elapsedMs = 0;
  return {
    now: () => new Date(wallMs),
    monotonicMs: () => elapsedMs,
    advance(ms) {
      if (ms < 0) throw new Error("time does not run backwards; use step");
      wallMs += ms;
      elapsedMs += ms;
    },
    step(ms) {
      wallMs += ms;
    },
  };
}
