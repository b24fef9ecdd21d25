import { type Clock, systemClock } from "@vcc-pki/time";

/** The machine's clock, seen from another day: what was issued long ago is really issued long ago for every judge. */
export class ShiftedClock implements Clock {
  /** Milliseconds from the machine's time to this clock's. */
  offsetMs = 0;
  #passedMs = 0;

  now(): Date {
    return new Date(systemClock.now().getTime() + this.offsetMs);
  }

  monotonicMs(): number {
    return systemClock.monotonicMs() + this.#passedMs;
  }

  /** Lets `ms` pass at once. */
  advance(ms: number): void {
    this.#passedMs += ms;
    this.offsetMs += ms;
  }

  /** Steps the wall clock while no time passes. */
  step(ms: number): void {
    this.offsetMs += ms;
  }
}
