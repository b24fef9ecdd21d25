/** A closed interval, in milliseconds. */
export interface Interval {
  readonly lowMs: number;
  readonly highMs: number;
}

/** The smallest interval that has all points common to at least `votes` of these (Marzullo; RFC 5905 section 11.2.1). If so many of the sources
 *  tell the truth, it is in there, whichever they are. RFC 5905 takes the largest number that agrees; we take the number that must, so that
 *  two camps which both reach it give an interval over both, too wide to prove anything, and not a winner. undefined: no such point. */
export function intersect(intervals: readonly Interval[], votes: number): Interval | undefined {
  // At one point those that begin come before those that end: touching is agreeing.
  const edges = intervals
    .flatMap(({ lowMs, highMs }) => [
      { atMs: lowMs, step: 1 },
      { atMs: highMs, step: -1 },
    ])
    .sort((a, b) => a.atMs - b.atMs || b.step - a.step);
  let depth = 0;
  let low: number | undefined;
  let high: number | undefined;
  for (const { atMs, step } of edges) {
    if (step === 1 && ++depth === votes) low ??= atMs;
    if (step === -1 && depth-- === votes) high = atMs;
  }
  return low === undefined || high === undefined ? undefined : { lowMs: low, highMs: high };
}

export const overlap = (a: Interval, b: Interval): boolean => a.lowMs <= b.highMs && b.lowMs <= a.highMs;
