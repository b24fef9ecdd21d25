/** The value that `share` (0..1) of the sorted samples do not exceed (nearest rank). Throws on no samples. */
export function percentile(sorted: ArrayLike<number>, share: number): number {
  const rank = Math.max(1, Math.ceil(share * sorted.length));
  const value = sorted[rank - 1];
  if (value === undefined) throw new Error("no samples");
  return value;
}

export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** Median, least and greatest of the runs of one figure. The median of an even number of runs is the mean of the middle two. */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = Float64Array.from(values).sort();
  const middle =
    (percentile(sorted, 0.5) + percentile(sorted, (Math.floor(sorted.length / 2) + 1) / sorted.length)) / 2;
  const median = sorted.length % 2 === 1 ? percentile(sorted, 0.5) : middle;
  return { median, min: percentile(sorted, 0), max: percentile(sorted, 1) };
}
