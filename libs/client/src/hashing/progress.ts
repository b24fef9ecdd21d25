import type { Clock } from "@vcc-pki/time";

/** How far a hashing is. */
export interface HashProgress {
  readonly doneOctets: number;
  /** To be done, in all. What was remembered does not count: it is not done again. */
  readonly totalOctets: number;
  readonly rememberedOctets: number;
  readonly octetsPerSecond: number;
  /** Undefined while nothing has been done. */
  readonly remainingMs: number | undefined;
}

const INTERVAL_MS = 200;

/** Tells `onProgress` now and then, and at the end, what has been counted in `done`, which threads share. */
export function startProgress(
  toDo: Pick<HashProgress, "totalOctets" | "rememberedOctets">,
  clock: Clock,
  onProgress?: (progress: HashProgress) => void,
) {
  const done = new BigInt64Array(new SharedArrayBuffer(BigInt64Array.BYTES_PER_ELEMENT));
  const startedAt = clock.monotonicMs();
  const tell = () => onProgress?.(progressOf(Number(Atomics.load(done, 0)), toDo, clock.monotonicMs() - startedAt));
  const timer = onProgress && setInterval(tell, INTERVAL_MS);
  const stop = () => {
    clearInterval(timer);
    tell();
  };
  return { done, stop };
}

export function progressOf(
  doneOctets: number,
  { totalOctets, rememberedOctets }: Pick<HashProgress, "totalOctets" | "rememberedOctets">,
  elapsedMs: number,
): HashProgress {
  const octetsPerMs = elapsedMs > 0 ? doneOctets / elapsedMs : 0;
  const remainingMs = octetsPerMs > 0 ? (totalOctets - doneOctets) / octetsPerMs : undefined;
  return { doneOctets, totalOctets, rememberedOctets, octetsPerSecond: octetsPerMs * 1_000, remainingMs };
}
