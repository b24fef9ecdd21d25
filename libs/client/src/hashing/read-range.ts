import { createHash, type Hash, hash } from "node:crypto";
import { closeSync, constants, fstatSync, openSync, read, readSync, write, writeSync } from "node:fs";
import { promisify } from "node:util";
import { PkiError } from "@vcc-pki/errors";
import { identityOf } from "../tree/identity.ts";
import { beginsAsPickle } from "./pickle.ts";
import type { Range, ReadRange } from "./range.ts";

const CHUNK_OCTETS = 512 * 1024;
/** So much longer than hashing may reading have taken, before it is done ahead. */
const PATIENCE_MS = 10;

const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK, O_WRONLY, O_CREAT, O_EXCL } = constants;
const PRIVATE = 0o600;

const readAt = promisify(read);
const writeAt = promisify(write);

let chunks: readonly [Buffer, Buffer] | undefined;
const twoChunks = () => {
  chunks ??= [Buffer.allocUnsafeSlow(CHUNK_OCTETS), Buffer.allocUnsafeSlow(CHUNK_OCTETS)];
  return chunks;
};

/** Hashes a range of a file, and copies or keeps exactly the octets it hashed. `count` is told of octets as they are done.
 *  Throws FILE_CHANGED when the file is not, or does not stay, what the walk found; FILE_UNREADABLE when it cannot be read. */
export async function readRange(
  range: Range,
  count: (octets: number) => void,
  monotonicMs = () => performance.now(),
): Promise<ReadRange> {
  const source = open(range);
  try {
    requireSame(source, range);
    const sink = range.copyTo === undefined ? undefined : openSync(range.copyTo, sinkFlags(range), PRIVATE);
    try {
      const reading = new Reading(range, source, sink, count);
      reading.inTurn(monotonicMs);
      await reading.ahead();
      return reading.end();
    } finally {
      if (sink !== undefined) closeSync(sink);
    }
  } finally {
    closeSync(source);
  }
}

/** Octets of a file that has been hashed, as long as it is the same file. Throws FILE_CHANGED, FILE_UNREADABLE. */
export function readAgain(range: Range): Uint8Array {
  const source = open(range);
  try {
    requireSame(source, range);
    const octets = new Uint8Array(range.end - range.start);
    for (let done = 0; done < octets.length; ) {
      const count = readSync(source, octets, done, octets.length - done, range.start + done);
      if (count === 0) throw changed(range);
      done += count;
    }
    requireSame(source, range);
    return octets;
  } finally {
    closeSync(source);
  }
}

/** Pieces of one file are written by several threads, each at its place in a file that is there. */
const sinkFlags = ({ isPiece }: Range): number => O_WRONLY | (isPiece ? O_NOFOLLOW : O_CREAT | O_EXCL);

class Reading {
  readonly #range: Range;
  readonly #source: number;
  readonly #sink: number | undefined;
  readonly #count: (octets: number) => void;
  /** Undefined until there is more than fits in one chunk. */
  #hash: Hash | undefined;
  #sha256Hex: string | undefined;
  readonly #kept: Uint8Array | undefined;
  #isPickle = false;
  #at: number;

  constructor(range: Range, source: number, sink: number | undefined, count: (octets: number) => void) {
    this.#range = range;
    this.#source = source;
    this.#sink = sink;
    this.#count = count;
    this.#at = range.start;
    this.#kept = range.keep ? new Uint8Array(range.end - range.start) : undefined;
  }

  /** Reads and hashes by turns, which costs least while the octets are in the page cache: as long as reading takes less time than hashing. */
  inTurn(monotonicMs: () => number): void {
    const [chunk] = twoChunks();
    let patienceMs = PATIENCE_MS;
    let atMs = monotonicMs();
    while (this.#left > 0 && patienceMs >= 0) {
      const octets = chunk.subarray(0, readSync(this.#source, chunk, 0, this.#fits(chunk), this.#at));
      const readMs = monotonicMs();
      for (let done = 0; this.#sink !== undefined && done < octets.length; ) {
        done += writeSync(this.#sink, octets, done, octets.length - done, this.#at + done);
      }
      this.#take(octets);
      const hashedMs = monotonicMs();
      patienceMs += hashedMs - readMs - (readMs - atMs);
      atMs = hashedMs;
    }
  }

  /** Reads what is left ahead by one chunk, and writes the one before, on libuv's threads while this one hashes: a disk is never waited for in vain. */
  async ahead(): Promise<void> {
    if (this.#left === 0) return;
    let [current, next] = twoChunks();
    let { bytesRead } = await readAt(this.#source, current, 0, this.#fits(current), this.#at);
    while (this.#left > 0) {
      const octets = current.subarray(0, bytesRead);
      const read = readAt(this.#source, next, 0, this.#fits(next, bytesRead), this.#at + bytesRead);
      const written = this.#writeWhole(octets);
      this.#take(octets);
      [{ bytesRead }] = await Promise.all([read, written]);
      [current, next] = [next, current];
    }
  }

  /** Throws FILE_CHANGED. */
  end(): ReadRange {
    requireSame(this.#source, this.#range);
    const sha256Hex = this.#sha256Hex ?? (this.#hash ?? createHash("sha256")).digest("hex");
    return { sha256Hex, isPickle: this.#isPickle, octets: this.#kept };
  }

  get #left(): number {
    return this.#range.end - this.#at;
  }

  #fits(chunk: Buffer, besides = 0): number {
    return Math.min(chunk.length, this.#left - besides);
  }

  #take(octets: Uint8Array): void {
    if (octets.length === 0) throw changed(this.#range);
    if (this.#at === 0) this.#isPickle = beginsAsPickle(octets);
    if (this.#hash === undefined && octets.length === this.#left) this.#sha256Hex = hash("sha256", octets);
    else this.#hash = (this.#hash ?? createHash("sha256")).update(octets);
    this.#kept?.set(octets, this.#at - this.#range.start);
    this.#at += octets.length;
    this.#count(octets.length);
  }

  async #writeWhole(octets: Uint8Array): Promise<void> {
    const at = this.#at;
    for (let done = 0; this.#sink !== undefined && done < octets.length; ) {
      done += (await writeAt(this.#sink, octets, done, octets.length - done, at + done)).bytesWritten;
    }
  }
}

/** Follows no symbolic link and waits for nobody: what has become a FIFO since the walk is opened and then refused. */
function open(range: Range): number {
  try {
    return openSync(range.location, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ELOOP" || code === "ENOTDIR" || code === "ENXIO") throw changed(range);
    throw new PkiError("FILE_UNREADABLE", `cannot read ${range.location} (${code})`, { cause });
  }
}

function requireSame(source: number, range: Range): void {
  if (identityOf(fstatSync(source, { bigint: true })) !== range.identity) throw changed(range);
}

const changed = ({ location }: Range): PkiError =>
  new PkiError("FILE_CHANGED", `${location} is not what it was when this began`, { details: { file: location } });
