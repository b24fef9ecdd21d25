import type { Clock } from "@vcc-pki/time";

/** A clock that stands still until told otherwise; testkit's stands above this library. */
export function fakeClockFrom(start: Date): Clock & { advance(ms: number): void } {
  let nowMs = start.getTime();
  return {
    now: () => new Date(nowMs),
    monotonicMs: () => nowMs,
    advance(ms) {
      nowMs += ms;
    },
  };
}
