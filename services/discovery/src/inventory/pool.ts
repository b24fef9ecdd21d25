/** Works on items, so many at once, begun no faster than `perSecond`. Ends early with `signal`, without an error, after what was begun. A throw of
 *  `work` ends it with that. */
export async function inParallel<T>(
  items: Iterable<T>,
  {
    atOnce,
    perSecond = Infinity,
    signal,
  }: { readonly atOnce: number; readonly perSecond?: number; readonly signal?: AbortSignal | undefined },
  work: (item: T) => Promise<void>,
): Promise<void> {
  const iterator = items[Symbol.iterator]();
  const begunAt = performance.now();
  let begun = 0;
  const worker = async () => {
    for (let next = iterator.next(); !next.done && !signal?.aborted; next = iterator.next()) {
      const early = (begun++ * 1_000) / perSecond - (performance.now() - begunAt);
      if (early > 1) await new Promise((resolve) => setTimeout(resolve, early));
      await work(next.value);
    }
  };
  const results = await Promise.allSettled(Array.from({ length: atOnce }, worker));
  for (const result of results) if (result.status === "rejected") throw result.reason;
}
