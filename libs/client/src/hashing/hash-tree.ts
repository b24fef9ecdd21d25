import { closeSync, openSync } from "node:fs";
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
  /** Where a file is to be copied as it is hashed; nothing remembered is used. */
  readonly copyTo?: ((file: FoundFile) => string) | undefined;
  /** The octets are wanted too; nothing remembered is used. */
  readonly keep?: boolean | undefined;
  /** All cores unless given. */
  readonly threads?: number | undefined;
  readonly onProgress?: ((progress: HashProgress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface HashedFile extends FoundFile {
  /** One for the whole file, or one for each shard; an empty file has one. */
  readonly ranges: readonly (Omit<ReadRange, "octets"> & { readonly start: number; readonly end: number })[];
  /** All of them, where `keep` asked for them. */
  readonly octets?: Uint8Array | undefined;
}

/** Hashes (SHA-256) every file of a tree, on all cores. Throws FILE_CHANGED when a file does not stay what the walk found, FILE_UNREADABLE. */
export async function hashTree({ files }: Tree, options: HashOptions): Promise<HashedFile[]> {
  const { clock, copyTo, keep, signal, threads = availableParallelism() } = options;
  const remembered = copyTo || keep ? undefined : options.remembered;
  const results = new Map<Range, Omit<ReadRange, "octets">>();
  const octets = new Map<FoundFile, Uint8Array>();
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

  const totalOctets = toRead.reduce((sum, { start, end }) => sum + end - start, 0);
  const rememberedOctets = files.reduce((sum, { size }) => sum + size, -totalOctets);
  const progress = startProgress({ totalOctets, rememberedOctets }, clock, options.onProgress);
  try {
    const onRead = (range: Range, { octets: kept, ...read }: ReadRange) => {
      const file = fileOf.get(range) as FoundFile;
      results.set(range, read);
      remembered?.remember(file, range, read);
      if (kept) keepOctets(octets, file, range, kept);
    };
    await readRanges(toRead, { threads, signal, onRead, done: progress.done });
  } finally {
    progress.stop();
  }
  return hashed.map(({ file, ranges }) => ({
    ...file,
    octets: octets.get(file),
    ranges: ranges.map((range) => {
      const { start, end } = range;
      return { start, end, ...(results.get(range) as ReadRange) };
    }),
  }));
}

/** Pieces are put together as they come. */
function keepOctets(octets: Map<FoundFile, Uint8Array>, file: FoundFile, { isPiece, start }: Range, kept: Uint8Array) {
  const whole = isPiece ? (octets.get(file) ?? new Uint8Array(file.size)) : kept;
  if (isPiece) whole.set(kept, start);
  octets.set(file, whole);
}

const PRIVATE = 0o600;

function rangesOf(file: FoundFile, { shardOctets = Number.POSITIVE_INFINITY, copyTo, keep }: HashOptions): Range[] {
  const { location, identity, size } = file;
  if (size <= shardOctets) return [{ location, identity, start: 0, end: size, copyTo: copyTo?.(file), keep }];
  const target = copyTo?.(file);
  if (target !== undefined) closeSync(openSync(target, "wx", PRIVATE)); // there before several threads write into it
  const ranges: Range[] = [];
  for (let start = 0; start < size; start += shardOctets) {
    const end = Math.min(start + shardOctets, size);
    ranges.push({ location, identity, start, end, copyTo: target, isPiece: true, keep });
  }
  return ranges;
}
