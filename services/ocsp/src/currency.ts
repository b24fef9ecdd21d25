import type { Clock } from "@vcc-pki/time";

/** How much of the ca's knowledge the projection has:
 *  - current: all of it, a moment ago;
 *  - stale: all of it when the ca was last heard of, which is too long ago. What was signed then is still true for as long as it says;
 *  - behind: there are changes that we know to be missing. Nothing may be called good. */
export type Currency = "current" | "stale" | "behind";

/** Keeps account of what the projection knows about its own knowledge. Intervals are measured by the counter that no clock step moves. */
export class CurrencyAccount {
  readonly #clock: Clock;
  readonly #maxSilenceMs: number;
  #isBehind = true;
  #heardAtMs: number | undefined;
  #asOf = new Date(0);

  constructor(clock: Clock, maxSilenceMs: number) {
    this.#clock = clock;
    this.#maxSilenceMs = maxSilenceMs;
  }

  get state(): Currency {
    if (this.#isBehind) return "behind";
    return this.silenceMs > this.#maxSilenceMs ? "stale" : "current";
  }

  /** Since the moment up to which the ca had told us everything. */
  get silenceMs(): number {
    return this.#heardAtMs === undefined ? Number.POSITIVE_INFINITY : this.#clock.monotonicMs() - this.#heardAtMs;
  }

  /** That moment, by the clock of this machine. */
  get asOf(): Date {
    return this.#asOf;
  }

  /** Something is missing. */
  lose(): void {
    this.#isBehind = true;
  }

  /** Nothing is missing that we know of, though the ca has not said so. */
  assume(): void {
    this.#isBehind = false;
  }

  /** The ca has told everything up to this moment, read when it was asked. */
  confirm(asked: { readonly monotonicMs: number; readonly now: Date }): void {
    this.#isBehind = false;
    this.#heardAtMs = asked.monotonicMs;
    this.#asOf = asked.now;
  }
}
