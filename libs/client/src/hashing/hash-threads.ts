import { Worker } from "node:worker_threads";
import { type ErrorCode, PkiError } from "@vcc-pki/errors";
import type { Range, ReadRange } from "./range.ts";
import { readRange } from "./read-range.ts";

export interface Batch {
  readonly ranges: readonly Range[];
}

export interface BatchResult {
  /** In the order of the ranges; those before the failure when there is one. */
  readonly read: readonly ReadRange[];
  readonly failure?: {
    readonly code: ErrorCode;
    readonly message: string;
    readonly details: Readonly<Record<string, string>>;
  };
}

/** So much is done before a thread would have started. */
const ALONE_OCTETS = 24 * 1024 * 1024;
const ALONE_RANGES = 400;
/** Enough for a thread to be busy for some milliseconds, little enough for all to end at the same time. */
const BATCH_OCTETS = 16 * 1024 * 1024;
const BATCH_RANGES = 128;

export interface ReadOptions {
  readonly threads: number;
  /** A shared counter of octets done. */
  readonly done: BigInt64Array;
  readonly signal?: AbortSignal | undefined;
  /** Called as ranges are done, in any order. */
  readonly onRead: (range: Range, read: ReadRange) => void;
}

/** Reads all ranges, on threads when there is enough to do. The first failure ends it: the others are not waited for. */
export async function readRanges(ranges: readonly Range[], options: ReadOptions): Promise<void> {
  options.signal?.throwIfAborted();
  const octets = ranges.reduce((sum, range) => sum + lengthOf(range), 0);
  if (octets <= ALONE_OCTETS && ranges.length <= ALONE_RANGES) return readAlone(ranges, options);
  const batches = batchesOf(ranges);
  const ended = new AbortController();
  const signal = options.signal ? AbortSignal.any([options.signal, ended.signal]) : ended.signal;
  const count = Math.min(options.threads, batches.length);
  const threads = Array.from({ length: count }, () => runThread(() => batches.shift(), signal, options));
  try {
    await Promise.all(threads);
  } finally {
    ended.abort();
    await Promise.allSettled(threads); // nothing writes, and no file is open, once this has returned
  }
}

async function readAlone(ranges: readonly Range[], { done, onRead }: ReadOptions): Promise<void> {
  const count = (octets: number) => void Atomics.add(done, 0, BigInt(octets));
  for (const range of ranges) {
    onRead(range, await readRange(range, count));
  }
}

/** Large ones first, so that none is left for one thread alone at the end; then small ones, many at a time. */
function batchesOf(ranges: readonly Range[]): Batch[] {
  const sorted = ranges.toSorted((a, b) => lengthOf(b) - lengthOf(a));
  const batches: Range[][] = [];
  let octets = 0;
  for (const range of sorted) {
    const last = batches.at(-1);
    octets += lengthOf(range);
    if (last === undefined || octets > BATCH_OCTETS || last.length === BATCH_RANGES) {
      batches.push([range]);
      octets = lengthOf(range);
    } else last.push(range);
  }
  return batches.map((batch) => ({ ranges: batch }));
}

const lengthOf = ({ start, end }: Range): number => end - start;

/** One thread, until there is nothing left or the signal ends it. */
function runThread(take: () => Batch | undefined, signal: AbortSignal, { done, onRead }: ReadOptions): Promise<void> {
  const worker = new Worker(new URL("./hash-worker.ts", import.meta.url), { workerData: done });
  const stop = () => void worker.terminate();
  signal.addEventListener("abort", stop, { once: true });
  let batch: Batch | undefined;
  const next = () => {
    batch = take();
    if (batch === undefined) stop();
    else worker.postMessage(batch);
  };
  return new Promise<void>((resolve, reject) => {
    worker.on("message", ({ read, failure }: BatchResult) => {
      for (const [index, one] of read.entries()) onRead(batch?.ranges[index] as Range, one);
      if (failure) reject(new PkiError(failure.code, failure.message, { details: failure.details }));
      if (failure) stop();
      else next();
    });
    worker.on("error", reject);
    worker.on("exit", () => {
      signal.removeEventListener("abort", stop);
      if (batch === undefined) resolve();
      else reject(signal.reason ?? new Error("a hashing thread ended"));
    });
    next();
  });
}
