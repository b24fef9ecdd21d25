import { hash } from "node:crypto";
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, truncateSync, writeSync } from "node:fs";
import { PkiError } from "@vcc-pki/errors";
import type { Clock } from "@vcc-pki/time";
import canonicalize from "canonicalize";
import { z } from "zod";

const Entry = z.strictObject({
  /** Gap-free, from 1. */
  sequence: z.int().positive(),
  /** RFC 3339, UTC. */
  at: z.iso.datetime(),
  /** What happened: "ceremony begun", "step done". */
  event: z.string(),
  facts: z.record(z.string(), z.unknown()),
  /** `hash` of the entry before; zeros for the first. */
  previous: z.string().regex(/^[0-9a-f]{64}$/),
  /** SHA-256 of this entry without `hash`, in the canonical form of RFC 8785. */
  hash: z.string().regex(/^[0-9a-f]{64}$/),
});

export type TranscriptEntry = z.infer<typeof Entry>;
export type Facts = TranscriptEntry["facts"];

const BEGINNING = "0".repeat(64);

/** What was done to a home's keys, one JSON line each, chained by hashes: an entry that is changed, removed or put in between
 *  breaks the chain, and whoever wrote down the last hash notices a chain that was made anew. */
export class Transcript {
  readonly #file: string;
  readonly #clock: Clock;
  readonly #entries: TranscriptEntry[];

  /** Reads and verifies what is there. Throws SIGNATURE_INVALID when the chain is broken. */
  constructor(file: string, clock: Clock) {
    this.#file = file;
    this.#clock = clock;
    if (existsSync(file)) dropTornLine(file);
    this.#entries = existsSync(file) ? readTranscript(file) : [];
  }

  get entries(): readonly TranscriptEntry[] {
    return this.#entries;
  }

  /** Appends an entry; it has reached the disk when this returns. */
  add(event: string, facts: Facts = {}): TranscriptEntry {
    const last = this.#entries.at(-1);
    const content = {
      ...{ sequence: (last?.sequence ?? 0) + 1, at: this.#clock.now().toISOString() },
      // As a reader will see it: what JSON cannot say must not be part of the hash.
      ...{ event, facts: JSON.parse(JSON.stringify(facts)) as Facts, previous: last?.hash ?? BEGINNING },
    };
    const entry: TranscriptEntry = { ...content, hash: hashOf(content) };
    appendDurably(this.#file, `${JSON.stringify(entry)}\n`);
    this.#entries.push(entry);
    return entry;
  }
}

/** All entries of a transcript whose chain is whole. Throws SIGNATURE_INVALID naming the line that is not right. */
export function readTranscript(file: string): TranscriptEntry[] {
  const lines = readFileSync(file, "utf8").split("\n").slice(0, -1);
  let previous = BEGINNING;
  return lines.map((line, index) => {
    const entry = parseEntry(line);
    const isNext = entry?.previous === previous && entry.sequence === index + 1;
    if (entry === undefined || !isNext || hashOf(withoutHash(entry)) !== entry.hash) {
      throw new PkiError("SIGNATURE_INVALID", `${file}: line ${index + 1} was changed, or the one before it`);
    }
    previous = entry.hash;
    return entry;
  });
}

function parseEntry(line: string): TranscriptEntry | undefined {
  try {
    return Entry.parse(JSON.parse(line));
  } catch {
    return undefined;
  }
}

const withoutHash = ({ hash: _, ...content }: TranscriptEntry): Omit<TranscriptEntry, "hash"> => content;

const hashOf = (content: Omit<TranscriptEntry, "hash">): string => hash("sha256", canonicalize(content) ?? "");

/** A line that a crash cut short was never acknowledged. */
function dropTornLine(file: string): void {
  const text = readFileSync(file);
  const end = text.lastIndexOf(0x0a) + 1;
  if (end < text.length) truncateSync(file, end);
}

function appendDurably(file: string, line: string): void {
  const descriptor = openSync(file, "a", 0o600);
  try {
    writeSync(descriptor, line);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
