/** What time it is, as an argument. */
export interface Clock {
  /** Wall clock. */
  now(): Date;
  /** Milliseconds from an arbitrary start; never goes back, unaffected by clock steps. */
  monotonicMs(): number;
}

/** The machine's clock. The only place in the suite that reads it. */
export const systemClock: Clock = {
  now: () => new Date(),
  monotonicMs: () => performance.now(),
};
