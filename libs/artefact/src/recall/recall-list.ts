import { PkiError } from "@vcc-pki/errors";
import canonicalize from "canonicalize";
import { z } from "zod";
import { type Digest, isDigest } from "../digest.ts";
import { parseStrictJson } from "../strict-json.ts";

/** Media type of a list in an envelope. */
export const RECALL_LIST_PAYLOAD_TYPE = "application/vnd.vcc-pki.recall-list+json";

/** Lists there are, by the first hex digit of an artefact's digest. */
export const RECALL_SHARDS = 16;
export const recallShardOf = (digest: Digest): number => Number.parseInt(digest.charAt("sha256:".length), 16);

/** One list has at most some 32,000 entries. */
const MAX_LIST_OCTETS = 16 * 1024 * 1024 - 1024;
const MAX_DEPTH = 4;

/** RFC 3339 in UTC with milliseconds: the one form that Date writes. */
const time = z.iso.datetime({ precision: 3 }).transform((text) => new Date(text));
const said = {
  /** Whose artefacts: an entry counts for signatures by this organisation's signers. */
  organisation: z.string().regex(/^[a-z][a-z0-9-]{1,38}[a-z0-9]$/),
  reason: z
    .string()
    .min(1)
    .max(512)
    .refine((text) => text.isWellFormed() && !/\p{Cc}/u.test(text), "control characters are not allowed"),
  recalledAt: time,
};
const RecallEntry = z.union([
  z.strictObject({ ...said, digest: z.string().refine(isDigest) }),
  /** Everything that this signer signed from then on, by the time stamp. Stands in every list. */
  z.strictObject({ ...said, signer: z.string().startsWith("spiffe://").max(512), since: time }),
]);

const RecallListJson = z.strictObject({
  version: z.literal(1),
  shard: z
    .int()
    .min(0)
    .max(RECALL_SHARDS - 1),
  shards: z.literal(RECALL_SHARDS),
  number: z.int().min(1),
  thisUpdate: time,
  nextUpdate: time,
  entries: z.array(RecallEntry).max(100_000),
});

export type RecallEntry = z.output<typeof RecallEntry>;

/** What was recalled, of one shard. */
export interface RecallList {
  readonly shard: number;
  /** Only grows, from list to list of a shard. */
  readonly number: number;
  readonly thisUpdate: Date;
  readonly nextUpdate: Date;
  readonly entries: readonly RecallEntry[];
}

/** The list as canonical JSON (RFC 8785), its entries sorted. Throws RECALL_LIST_MALFORMED for entries of another shard, or for the same twice. */
export function buildRecallList({ entries, thisUpdate, nextUpdate, shard, number }: RecallList): Buffer {
  if (nextUpdate <= thisUpdate) throw malformedList("ends before it begins");
  const lines = entries.map((entry) => {
    if ("digest" in entry && recallShardOf(entry.digest) !== shard)
      throw malformedList("has an entry of another shard");
    return { subject: subjectOf(entry), json: JSON.parse(JSON.stringify(entry)) };
  });
  lines.sort((a, b) => (a.subject < b.subject ? -1 : 1));
  if (lines.some(({ subject }, i) => subject === lines[i + 1]?.subject)) throw malformedList("has an entry twice");
  const json = canonicalize({
    ...{ version: 1, shard, shards: RECALL_SHARDS, number },
    ...{ thisUpdate: thisUpdate.toISOString(), nextUpdate: nextUpdate.toISOString() },
    entries: lines.map((line) => line.json),
  });
  return Buffer.from(json as string);
}

/** Reads a list that `buildRecallList` could have written. Throws RECALL_LIST_MALFORMED, REQUEST_TOO_LARGE. */
export function parseRecallList(octets: Uint8Array): RecallList {
  const limits = { maxOctets: MAX_LIST_OCTETS, maxDepth: MAX_DEPTH };
  const json = parseStrictJson(octets, { ...limits, code: "RECALL_LIST_MALFORMED", what: "the recall list" });
  const parsed = RecallListJson.safeParse(json);
  if (!parsed.success) throw malformedList(`has a fault: ${z.prettifyError(parsed.error)}`);
  const { version, shards, ...list } = parsed.data;
  if (!buildRecallList(list).equals(octets)) throw malformedList("is not written in its one form");
  return list;
}

/** What is recalled, and whose it is: there is one entry for it. */
const subjectOf = (entry: RecallEntry): string =>
  `${entry.organisation} ${"digest" in entry ? entry.digest : entry.signer}`;

const malformedList = (fault: string): PkiError => new PkiError("RECALL_LIST_MALFORMED", `the recall list ${fault}`);
