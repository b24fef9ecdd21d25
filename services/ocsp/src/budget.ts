import type { Clock } from "@vcc-pki/time";

/** So many of something per second, and as many at once after a quiet second. */
export class Budget {
  readonly #clock: Clock;
  readonly #perSecond: number;
  #left: number;
  #filledAtMs: number;

  constructor(clock: Clock, perSecond: number) {
    this.#clock = clock;
    this.#perSecond = perSecond;
    this.#left = perSecond;
    this.#filledAtMs = clock.monotonicMs();
  }

  /** Takes up to `wanted`, and returns how many. */
  take(wanted: number): number {
    const now = this.#clock.monotonicMs();
    this.#left = Math.min(this.#perSecond, this.#left + ((now - this.#filledAtMs) * this.#perSecond) / 1_000);
    this.#filledAtMs = now;
    const taken = Math.min(wanted, Math.floor(this.#left));
    this.#left -= taken;
    return taken;
  }
}
