import { availableParallelism } from "node:os";
import type { Clock } from "@vcc-pki/time";
import type { FoundFile, Tree } from "../tree/walk.ts";
import { readRanges } from "./hash-threads.ts";
import { type HashProgress, startProgress } from "./progress.ts";
import type { Range, ReadRange } from "./range.ts";
import type { RememberedDigests } from "./remembered-digests.ts";

export interface HashOptions {
  readonly clock: Clock;
  /** Unless given, everything is read. */
  readonly remembered?: RememberedDigests | undefined;
  /** Hash files in pieces of so many octets, each by itself, as the shards of OMS are. */
  readonly shardOctets?: number | undefined;
  /** Where a file is to be copied as it is hashed; whole files only, and nothing remembered is used. */
  readonly copyTo?: ((file: FoundFile) => string) | undefined;
  /** The octets are wanted too; whole files only, and nothing remembered is used. */
  readonly keep?: boolean | undefined;
  /** All cores unless given. */
  readonly threads?: number | undefined;
  readonly onProgress?: ((progress: HashProgress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface HashedFile extends FoundFile {
  /** One for the whole file, or one for each shard; an empty file has one. */
  readonly ranges: readonly (ReadRange & { readonly start: number; readonly end: number })[];
}

/** Hashes (SHA-256) every file of a tree, on all cores. Throws FILE_CHANGED when a file does not stay what the walk found, FILE_UNREADABLE. */
export async function hashTree({ files }: Tree, options: HashOptions): Promise<HashedFile[]> {
  const { clock, copyTo, keep, signal, threads = availableParallelism() } = options;
  const remembered = copyTo || keep ? undefined : options.remembered;
  const results = new Map<Range, ReadRange>();
  const fileOf = new Map<Range, FoundFile>();
  const toRead: Range[] = [];
  const hashed = files.map((file) => {
    const ranges = rangesOf(file, options);
    for (const range of ranges) {
      fileOf.set(range, file);
      const known = remembered?.find(file, range);
      if (known) results.set(range, known);
      else toRead.push(range);
    }
    return { file, ranges };
  });

  const total = toRead.reduce((sum, { start, end }) => sum + end - start, 0);
  const progress = startProgress(total, clock, options.onProgress);
  try {
    const onRead = (range: Range, read: ReadRange) => {
      results.set(range, read);
      remembered?.remember(fileOf.get(range) as FoundFile, range, read);
    };
    await readRanges(toRead, { threads, signal, onRead, done: progress.done });
  } finally {
    progress.stop();
  }
  return hashed.map(({ file, ranges }) => ({
    ...file,
    ranges: ranges.map((range) => {
      const { start, end } = range;
      return { start, end, ...(results.get(range) as ReadRange) };
    }),
  }));
}

function rangesOf(file: FoundFile, { shardOctets = Number.POSITIVE_INFINITY, copyTo, keep }: HashOptions): Range[] {
  const { location, identity, size } = file;
  if (size <= shardOctets) return [{ location, identity, start: 0, end: size, copyTo: copyTo?.(file), keep }];
  const ranges: Range[] = [];
  for (let start = 0; start < size; start += shardOctets) {
    ranges.push({ location, identity, start, end: Math.min(start + shardOctets, size) });
  }
  return ranges;
}
