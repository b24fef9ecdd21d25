import { createHash } from "node:crypto";
import { z } from "zod";
import type { Shape } from "../digest.ts";
import type { ArtefactFacts } from "../facts.ts";
import { checkFacts, checkShape, type Manifest } from "../manifest.ts";
import { canonicalResources, type Resource } from "../resources.ts";
import {
  canonicalShards,
  MIN_SHARD_OCTETS,
  namedShards,
  parseShardName,
  type ShardedManifest,
  type Shards,
} from "../shards.ts";
import { buildInTotoStatement, checkOneForm, malformedStatement, type ReadStatement, shaped } from "./in-toto.ts";

export const OMS_PREDICATE_TYPE = "https://model_signing/signature/v1.0";

/** The path of a model that is one file. */
const ITSELF = ".";

const HASH = { hash_type: z.literal("sha256"), allow_symlinks: z.literal(false) };
const Serialization = z.discriminatedUnion("method", [
  z.looseObject({ method: z.literal("files"), ...HASH }),
  z.looseObject({ method: z.literal("shards"), shard_size: z.int().min(MIN_SHARD_OCTETS), ...HASH }),
]);

/** The predicate of OpenSSF Model Signing v1.0: files or shards, how they were hashed, and beside them what others do not look at. */
const OmsPredicate = z.looseObject({
  serialization: Serialization,
  resources: z.array(z.strictObject({ name: z.string(), algorithm: z.string(), digest: z.string() })).min(1),
  /** What is said of the artefact, when it was signed here. */
  vcc: z.unknown().optional(),
});

/** What was signed of an artefact: its files whole, or in shards. */
export type SignedFiles = Omit<Manifest, "facts"> & { readonly facts: Manifest["facts"] | undefined };
export type SignedShards = Shards & { readonly facts: ArtefactFacts | undefined };

/** The statement that `model_signing verify` reads, with the facts in `predicate.vcc`. Its subject is named as the artefact, or as the file that it is.
 *  Throws as `buildManifest` and `canonicalShards` do. */
export function buildOmsStatement(artefact: Manifest | ShardedManifest): Buffer {
  const facts = checkFacts(artefact.facts);
  if ("shards" in artefact) return writeStatement({ ...canonicalShards(artefact), facts });
  const resources = canonicalResources(artefact.resources);
  checkShape(artefact.shape, resources);
  return writeStatement({ facts, shape: artefact.shape, resources });
}

/** Of facts and resources that were checked. */
function writeStatement(artefact: Manifest | ShardedManifest): Buffer {
  const { facts, shape } = artefact;
  const isFile = shape === "file";
  const [{ path } = { path: "" }] = "shards" in artefact ? artefact.shards : artefact.resources;
  const listed: Resource[] =
    "shards" in artefact
      ? namedShards(artefact.shards, isFile ? ITSELF : undefined)
      : artefact.resources.map((resource) => (isFile ? { ...resource, path: ITSELF } : resource));
  const shardOctets = "shards" in artefact ? artefact.shardOctets : undefined;
  const method = shardOctets === undefined ? { method: "files" } : { method: "shards", shard_size: shardOctets };
  const algorithm = algorithmOf(shardOctets);
  return buildInTotoStatement({
    subject: { name: isFile ? path : facts.name, sha256Hex: rootDigest(listed) },
    predicateType: OMS_PREDICATE_TYPE,
    predicate: {
      serialization: { ...method, hash_type: "sha256", allow_symlinks: false },
      resources: listed.map(({ path: name, sha256Hex: digest }) => ({ name, algorithm, digest })),
      vcc: facts,
    },
  });
}

const algorithmOf = (shardOctets: number | undefined): string =>
  shardOctets === undefined ? "sha256" : `sha256-sharded-${shardOctets}`;

/** Reads the statement of a model, whoever made it; one with our facts has to be as we write it. Symbolic links and other hashes are not
 *  accepted; paths that the signer left out (`ignore_paths`) may be there no more than other files that were not signed. Throws
 *  STATEMENT_MALFORMED, ARTEFACT_MALFORMED, NAME_MALFORMED, REQUEST_MALFORMED, REQUEST_TOO_LARGE. */
export function readOmsStatement(statement: ReadStatement): SignedFiles | SignedShards {
  const { subject, predicate } = statement;
  const { serialization, resources: listed, vcc } = shaped(OmsPredicate, predicate);
  const named = listed.map(({ name: path, digest: sha256Hex }): Resource => ({ path, sha256Hex }));
  const shardOctets = serialization.method === "shards" ? serialization.shard_size : undefined;
  if (listed.some(({ algorithm }) => algorithm !== algorithmOf(shardOctets)))
    throw malformedStatement("has resources that were hashed in another way than it says");
  if (rootDigest(named) !== subject.sha256Hex) throw malformedStatement("has another digest than its files");

  const read =
    shardOctets === undefined ? readFiles(named, subject.name) : readShards(named, shardOctets, subject.name);
  if (vcc === undefined) return { ...read, facts: undefined };
  const artefact = { ...read, facts: checkFacts(vcc) };
  checkOneForm(writeStatement(artefact), statement);
  return artefact;
}

function readFiles(named: readonly Resource[], itself: string): Omit<Manifest, "facts"> {
  const shape: Shape = named.length === 1 && named[0]?.path === ITSELF ? "file" : "directory";
  const resources = canonicalResources(
    shape === "file" ? named.map(({ sha256Hex }) => ({ path: itself, sha256Hex })) : named,
  );
  checkShape(shape, resources);
  return { shape, resources };
}

function readShards(named: readonly Resource[], shardOctets: number, itself: string): Shards {
  const shards = named.map(({ path: name, sha256Hex }) => {
    const shard = parseShardName(name);
    if (shard === undefined) throw malformedStatement(`has the name ${JSON.stringify(name)}, which is none of a shard`);
    return { ...shard, sha256Hex };
  });
  const isFile = shards.every(({ path }) => path === ITSELF);
  return canonicalShards({
    ...{ shape: isFile ? "file" : "directory", shardOctets },
    shards: isFile ? shards.map((shard) => ({ ...shard, path: itself })) : shards,
  });
}

/** SHA-256 over the hashes as they are listed; it says nothing of names. */
function rootDigest(listed: readonly Resource[]): string {
  const hash = createHash("sha256");
  for (const { sha256Hex } of listed) hash.update(sha256Hex, "hex");
  return hash.digest("hex");
}
