import { renewalDueAt } from "@vcc-pki/time";
import type { State } from "./state.ts";

/** How long the agent waits after a failure: twice as long after each, give or take a quarter, so that a thousand agents do not come back at once. */
export const BACK_OFF_MS = { first: 5_000, most: 15 * 60_000 } as const;
/** How often the roots are asked for where nothing else asks; it also shows whether the clock is right. */
export const BUNDLE_INTERVAL_MS = 3_600_000;

/** `random` is from 0 to 1. */
export function backOffMs(failures: number, random: number): number {
  const whole = Math.min(BACK_OFF_MS.most, BACK_OFF_MS.first * 2 ** Math.max(0, failures - 1));
  return whole * (0.75 + random / 2);
}

/** When to ask for the next certificate: what the gateway says, if that is within the certificate's life, else at two thirds of it; moved by
 *  chance by up to five percent of the life. */
export function renewalMoment(life: { notBefore: Date; notAfter: Date }, proposed: Date, random: number): Date {
  const spread = random * 2 - 1;
  const own = renewalDueAt(life);
  const base = proposed > life.notBefore && proposed < life.notAfter ? proposed : own;
  const shiftMs = renewalDueAt(life, spread).getTime() - own.getTime();
  return new Date(Math.min(base.getTime() + shiftMs, life.notAfter.getTime() - 1));
}

/** Whether the agent may try now. A moment further away than we ever wait was written by a clock that was wrong. */
export function mayTry({ nextAttemptAt }: State, now: Date): boolean {
  if (nextAttemptAt === undefined) return true;
  const waitMs = nextAttemptAt.getTime() - now.getTime();
  return waitMs <= 0 || waitMs > BACK_OFF_MS.most * 1.25;
}

export const isRenewalDue = ({ held }: State, now: Date): boolean => held !== undefined && held.renewAt <= now;

/** A clock that went back makes the last look be in the future: look again. */
export function isBundleDue({ bundleSeenAt }: State, now: Date): boolean {
  if (bundleSeenAt === undefined) return true;
  const agoMs = now.getTime() - bundleSeenAt.getTime();
  return agoMs < 0 || agoMs >= BUNDLE_INTERVAL_MS;
}

/** How long there is nothing to do for this identity, in ms. */
export function idleMs(state: State, now: Date): number {
  if (!mayTry(state, now)) return (state.nextAttemptAt?.getTime() ?? 0) - now.getTime();
  const dueAt = [state.held?.renewAt.getTime(), (state.bundleSeenAt?.getTime() ?? 0) + BUNDLE_INTERVAL_MS];
  const waitMs = Math.min(...dueAt.map((at) => (at ?? Number.POSITIVE_INFINITY) - now.getTime()));
  return Math.max(0, waitMs);
}
