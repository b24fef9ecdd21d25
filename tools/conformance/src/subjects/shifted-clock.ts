import { type Clock, systemClock } from "@vcc-pki/time";

/** The machine's clock, seen from another day: what was issued long ago is really issued long ago for every judge. */
export class ShiftedClock implements Clock {
  /** Milliseconds from the machine's time to this clock's. */
  offsetMs = 0;

  now(): Date {
    return new Date(systemClock.now().getTime() + this.offsetMs);
  }

  monotonicMs(): number {
    return systemClock.monotonicMs();
  }
}
