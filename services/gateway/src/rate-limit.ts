import type { Clock } from "@vcc-pki/time";

export interface RateLimitOptions {
  /** Requests per second that one identity may keep up. */
  readonly perSecond: number;
  /** Requests that one identity may make at once after a pause. */
  readonly burst: number;
}

export interface RateLimiter {
  /** Takes one token of `key`. Returns 0 when there was one, else the milliseconds until there will be. */
  take(key: string): number;
}

/** Above this many keys, those that have been idle long enough to have their burst again are forgotten. */
const SWEEP_ABOVE = 10_000;

/** Token buckets as one number per key: the moment at which all requests so far would be paid for at the steady rate (the generic
 *  cell rate algorithm, ITU-T I.371). In memory, by the monotonic clock. */
export function createRateLimiter({ perSecond, burst }: RateLimitOptions, clock: Clock): RateLimiter {
  const paidAtMs = new Map<string, number>();
  const intervalMs = 1000 / perSecond;
  const creditMs = (burst - 1) * intervalMs;

  const sweep = (nowMs: number) => {
    for (const [key, paid] of paidAtMs) if (paid <= nowMs) paidAtMs.delete(key);
  };

  return {
    take(key) {
      const nowMs = clock.monotonicMs();
      if (paidAtMs.size > SWEEP_ABOVE) sweep(nowMs);
      const paid = Math.max(nowMs, paidAtMs.get(key) ?? nowMs);
      const waitMs = Math.ceil(paid - nowMs - creditMs);
      if (waitMs > 0) return waitMs;
      paidAtMs.set(key, paid + intervalMs);
      return 0;
    },
  };
}
