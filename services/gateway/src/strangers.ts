import type { Clock } from "@vcc-pki/time";
import { createRateLimiter, type RateLimitOptions } from "./rate-limit.ts";

export interface StrangersOptions {
  readonly perAddress: RateLimitOptions;
  /** Of all addresses together: what strangers may cost the services behind the door. */
  readonly together: RateLimitOptions;
}

/** Who has no certificate is counted by its address. */
export interface Strangers {
  /** Returns 0 when the request may pass, else the milliseconds until one may. */
  take(address: string): number;
}

/** An IPv6 customer has a whole /64 of addresses, and counts as one. */
const countedAs = (address: string): string =>
  address.includes(":") ? address.split(":").slice(0, 4).join(":") : address;

export function createStrangers({ perAddress, together }: StrangersOptions, clock: Clock): Strangers {
  const each = createRateLimiter(perAddress, clock);
  const all = createRateLimiter(together, clock);
  // One address that asks too often takes nothing from the others.
  return { take: (address) => each.take(countedAs(address)) || all.take("") };
}
