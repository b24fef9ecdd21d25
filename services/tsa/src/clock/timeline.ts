import type { Clock } from "@vcc-pki/time";

/** Wall clock and counter of this machine, read together. */
export interface ClockReading {
  /** Milliseconds since 1970 by the wall clock. */
  readonly wallMs: number;
  /** Milliseconds of the counter that no clock step moves. */
  readonly monotonicMs: number;
  /** The two were read within plus or minus this many milliseconds of each other. */
  readonly spreadMs: number;
}

const TRIES = 3;
const GOOD_SPREAD_MS = 0.1;

/** Reads both clocks, once more if something came between. */
export function readClock(clock: Clock): ClockReading {
  let best = readOnce(clock);
  for (let tries = 1; tries < TRIES && best.spreadMs > GOOD_SPREAD_MS; tries++) {
    const again = readOnce(clock);
    if (again.spreadMs < best.spreadMs) best = again;
  }
  return best;
}

function readOnce(clock: Clock): ClockReading {
  const before = clock.monotonicMs();
  const wallMs = clock.now().getTime();
  const after = clock.monotonicMs();
  return { wallMs, monotonicMs: (before + after) / 2, spreadMs: (after - before) / 2 };
}

/** What the wall clock shows as long as nobody steps it: a reading, and from then on the counter. The kernel slews both clocks alike,
 *  so that they part when the clock is stepped, or when the machine was asleep. */
export class Timeline {
  readonly start: ClockReading;

  constructor(start: ClockReading) {
    this.start = start;
  }

  /** Milliseconds since 1970 at this moment of the counter. */
  at(monotonicMs: number): number {
    return this.start.wallMs + (monotonicMs - this.start.monotonicMs);
  }

  /** By how many milliseconds the wall clock is ahead of where it should be. */
  deviationMs(reading: ClockReading): number {
    return reading.wallMs - this.at(reading.monotonicMs);
  }
}
