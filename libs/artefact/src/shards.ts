import { hash } from "node:crypto";
import { PkiError } from "@vcc-pki/errors";
import type { Digest, Shape } from "./digest.ts";
import type { ArtefactFacts } from "./facts.ts";
import { checkShape } from "./manifest.ts";
import { canonicalResources, MAX_RESOURCES, type Resource } from "./resources.ts";
import { manifestBody } from "./sums.ts";

/** A piece of a file and its SHA-256, as OpenSSF Model Signing has them: large files are hashed on all cores. */
export interface Shard extends Resource {
  /** Its first octet. */
  readonly start: number;
  /** Behind its last one. */
  readonly end: number;
}

/** What there is of an artefact whose files are hashed in pieces. */
export interface Shards {
  readonly shape: Shape;
  /** Of every piece but a file's last one. */
  readonly shardOctets: number;
  /** In the order of the paths' UTF-8 octets, those of a file in its order. */
  readonly shards: readonly Shard[];
}

/** What is signed of such an artefact. */
export interface ShardedManifest extends Shards {
  readonly facts: ArtefactFacts;
}

/** Smaller pieces would make lists of nothing but lines. */
export const MIN_SHARD_OCTETS = 1024 * 1024;

/** Shards in their one order, when they are all of some files: from octet 0, each as long as all others, but for the last, which has what is left. Throws
 *  REQUEST_MALFORMED when they are not, also for an empty file, of which there is no piece; NAME_MALFORMED for what `canonicalResources` refuses, and for
 *  a ":", which stands between path and octets; REQUEST_TOO_LARGE. */
export function canonicalShards({ shape, shardOctets, shards }: Shards): Shards {
  if (!Number.isSafeInteger(shardOctets) || shardOctets < MIN_SHARD_OCTETS)
    throw new PkiError("REQUEST_MALFORMED", `a shard has ${MIN_SHARD_OCTETS} octets at the least`);
  if (shards.length > MAX_RESOURCES)
    throw new PkiError("REQUEST_TOO_LARGE", `an artefact has at most ${MAX_RESOURCES} shards`);
  const byFile = Map.groupBy(shards, ({ path }) => path);
  const files = canonicalResources([...byFile].map(([path, [first]]) => ({ path, sha256Hex: first?.sha256Hex ?? "" })));
  checkShape(shape, files);
  const inOrder = files.flatMap(({ path }) => {
    const own = (byFile.get(path) ?? []).toSorted((a, b) => a.start - b.start);
    checkFile(path, own, shardOctets);
    return own.map(({ start, end, sha256Hex }) => ({ path, start, end, sha256Hex }));
  });
  return { shape, shardOctets, shards: inOrder };
}

const SHA256_HEX = /^[0-9a-f]{64}$/;

function checkFile(path: string, shards: readonly Shard[], shardOctets: number): void {
  const details = { file: path };
  if (path.includes(":")) throw new PkiError("NAME_MALFORMED", "the path of a sharded file has a colon", { details });
  for (const [i, { start, end, sha256Hex }] of shards.entries()) {
    const isLast = i === shards.length - 1;
    const isPlaced = start === i * shardOctets && end > start && Number.isSafeInteger(end);
    if (!isPlaced || end > start + shardOctets || (!isLast && end !== start + shardOctets))
      throw new PkiError("REQUEST_MALFORMED", "the shards of a file do not follow one another", { details });
    if (!SHA256_HEX.test(sha256Hex))
      throw new PkiError("REQUEST_MALFORMED", "not a SHA-256 in lower-case hex", { details });
  }
}

/** The digest of an artefact that is hashed in pieces. It is another than that of the same files hashed whole, which nobody knows who has not hashed them
 *  whole. Of a single file the name does not count. `shards` are canonical. */
export function shardsDigest({ shape, shardOctets, shards }: Shards): Digest {
  const head = `# shards: ${shardOctets}\n`; // no line about a file begins so
  return `sha256:${hash("sha256", head + manifestBody(namedShards(shards, shape === "file" ? "." : undefined)))}`;
}

/** Each shard as a resource with the name that Model Signing gives it, "path:start:end". */
export const namedShards = (shards: readonly Shard[], instead?: string): Resource[] =>
  shards.map(({ path, start, end, sha256Hex }) => ({ path: `${instead ?? path}:${start}:${end}`, sha256Hex }));

/** Reads such a name. Undefined when it is none. */
export function parseShardName(name: string): Pick<Shard, "path" | "start" | "end"> | undefined {
  const [, path, start, end] = /^([^:]+):(0|[1-9]\d{0,15}):([1-9]\d{0,15})$/s.exec(name) ?? [];
  return path === undefined ? undefined : { path, start: Number(start), end: Number(end) };
}
