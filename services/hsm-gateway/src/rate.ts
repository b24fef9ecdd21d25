import { PkiError } from "@vcc-pki/errors";
import type { Clock } from "@vcc-pki/time";

/** The rate is an average over this time: so much may come at once after a rest. */
const WINDOW_SECONDS = 10;

interface Bucket {
  tokens: number;
  atMs: number;
}

/** Signatures per second and key, as token buckets. */
export class Rates {
  readonly #clock: Clock;
  readonly #buckets = new Map<string, Bucket>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Takes one signature from the key's allowance. 0 is no limit. Throws RATE_LIMITED. */
  take(keyId: string, perSecond: number): void {
    if (perSecond === 0) return;
    const capacity = perSecond * WINDOW_SECONDS;
    const now = this.#clock.monotonicMs();
    const bucket = this.#buckets.get(keyId) ?? { tokens: capacity, atMs: now };
    const tokens = Math.min(capacity, bucket.tokens + ((now - bucket.atMs) / 1_000) * perSecond);
    if (tokens < 1) throw new PkiError("RATE_LIMITED", `this key signs ${perSecond} times a second`);
    this.#buckets.set(keyId, { tokens: tokens - 1, atMs: now });
  }
}
