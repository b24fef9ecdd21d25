import {
  type ArtefactFacts,
  artefactDigest,
  buildAttestation,
  buildManifest,
  buildOmsStatement,
  buildPublishAttestation,
  canonicalResources,
  canonicalShards,
  checkFacts,
  type Digest,
  type Manifest,
  parseStrictJson,
  type Resource,
  type Shape,
  type Shards,
  shardsDigest,
} from "@vcc-pki/artefact";
import { type Artefact, type Files, type Octets, Shape as ShapeMessage } from "@vcc-pki/proto/signing";
import { toHex } from "@vcc-pki/x509";
import canonicalize from "canonicalize";
import type { Format } from "./forms.ts";
import { malformed, parseDigest } from "./request.ts";
import type { Source } from "./store/lineage.ts";
import type { SignedArtefact } from "./store/signatures.ts";

const MAX_METADATA_OCTETS = 256 * 1024;
const MAX_METADATA_DEPTH = 8;

type ArtefactFormat = Exclude<Format, "digest">;

/** What is known of an artefact: files, or shards of them, or its digest alone. */
type Contents = Pick<Manifest, "shape" | "resources"> | Shards | { readonly shape: "digest"; readonly digest: Digest };

/** What is signed of an artefact. Shards are OpenSSF Model Signing's: the others list whole files. */
function buildContent(format: ArtefactFormat, facts: ArtefactFacts, contents: Contents): Uint8Array {
  if (contents.shape === "digest") {
    if (format !== "attestation") throw malformed("a digest is signed as an attestation");
    return buildAttestation({ facts, ...contents });
  }
  if ("resources" in contents) return BUILDERS[format]({ facts, ...contents });
  if (format !== "oms" && format !== "sigstore") throw malformed(`the format ${format} has no shards`);
  return buildOmsStatement({ facts, ...contents });
}

const BUILDERS: Readonly<Record<ArtefactFormat, (manifest: Manifest) => Uint8Array>> = {
  manifest: buildManifest,
  oms: buildOmsStatement,
  sigstore: buildOmsStatement,
  attestation: ({ facts, shape, resources }) =>
    buildAttestation(
      shape === "file" ? { facts, shape, resources } : { facts, shape, digest: artefactDigest(shape, resources) },
    ),
  publish({ facts, shape, resources }) {
    if (facts.type !== "python_package" || shape !== "file")
      throw malformed("a distribution is published, in one file");
    if (Object.keys(facts.metadata).length > 0) throw malformed("that it is published is all that can be said of it");
    return buildPublishAttestation(resources);
  },
};

const STATEMENT_FORMATS = ["oms", "sigstore", "attestation", "publish"] as const;

/** How statements are signed. Throws REQUEST_MALFORMED. */
export function parseStatementFormat(format: string): ArtefactFormat {
  const known = STATEMENT_FORMATS.find((each) => each === format);
  if (known === undefined) throw malformed(`a statement has the format ${STATEMENT_FORMATS.join(", ")}`);
  return known;
}

export interface ParsedArtefact {
  readonly facts: ArtefactFacts;
  /** In canonical order; a file that is hashed in shards as often as it has some. */
  readonly resources: readonly Resource[];
  readonly artefact: SignedArtefact;
  readonly artefactDigest: Digest;
  /** What it says that it was made from. */
  readonly sources: readonly Source[];
}

/** Builds what is signed, in this format, from what was sent. Throws REQUEST_MALFORMED, REQUEST_TOO_LARGE, ARTEFACT_MALFORMED, NAME_MALFORMED. */
export function parseArtefact(
  message: Artefact | undefined,
  format: ArtefactFormat,
  organisation: string,
): ParsedArtefact {
  if (message === undefined) throw malformed("the artefact is missing");
  const { type, name, version, metadataJson } = message;
  const facts = checkFacts({
    ...{ type, name, organisation, metadata: parseMetadata(metadataJson) },
    ...(version !== "" && { version }),
  });
  const contents = parseContents(message);
  const content = buildContent(format, facts, contents);
  return {
    ...{ facts, sources: sourcesOf(facts.metadata), ...digestOf(contents) },
    artefact: {
      ...{ type: facts.type, name: facts.name, version: facts.version, content },
      metadataJson: canonicalize(facts.metadata) ?? "{}",
    },
  };
}

/** In canonical order. */
function parseContents({
  shape: shapeMessage,
  resources,
  shardOctets,
  artefactDigest: digest = "",
}: Artefact): Contents {
  if (shapeMessage === ShapeMessage.DIGEST) {
    if (resources.length > 0) throw malformed("a digest has no files");
    return { shape: "digest", digest: parseDigest(digest) };
  }
  if (digest !== "") throw malformed("the digest of files is counted here");
  const listed = parseFiles({ shape: shapeMessage, resources, shardOctets });
  return "shards" in listed
    ? canonicalShards(listed)
    : { shape: listed.shape, resources: canonicalResources(listed.resources) };
}

/** Files, or shards of them, in any order. Throws REQUEST_MALFORMED. */
export function parseFiles({
  shape: message,
  resources,
  shardOctets,
}: Files): Pick<Manifest, "shape" | "resources"> | Shards {
  const shape = parseShape(message);
  const listed = resources.map(({ path, sha256 }) => ({ path, sha256Hex: toHex(sha256) }));
  if (resources.some(({ shard }) => (shard === undefined) !== (shardOctets === undefined)))
    throw malformed("all files are listed in shards, which have a size, or none");
  if (shardOctets === undefined) return { shape, resources: listed };
  return {
    shape,
    shardOctets,
    shards: listed.map((resource, i) => ({ ...resource, ...(resources[i]?.shard as Octets) })),
  };
}

function digestOf(contents: Contents): Pick<ParsedArtefact, "resources" | "artefactDigest"> {
  if (contents.shape === "digest") return { resources: [], artefactDigest: contents.digest };
  if ("shards" in contents) return { resources: contents.shards, artefactDigest: shardsDigest(contents) };
  return { resources: contents.resources, artefactDigest: artefactDigest(contents.shape, contents.resources) };
}

function sourcesOf({ baseModel, datasets = [] }: ArtefactFacts["metadata"]): Source[] {
  const models = baseModel === undefined ? [] : [baseModel];
  return [
    ...models.map(({ name, digest }) => ({ relation: "base-model" as const, name, digest })),
    ...datasets.map(({ name, digest }) => ({ relation: "dataset" as const, name, digest })),
  ];
}

function parseMetadata(json: string): unknown {
  if (json === "") return {};
  const limits = { maxOctets: MAX_METADATA_OCTETS, maxDepth: MAX_METADATA_DEPTH };
  return parseStrictJson(Buffer.from(json), { ...limits, code: "ARTEFACT_MALFORMED", what: "the metadata" });
}

function parseShape(shape: ShapeMessage): Shape {
  if (shape === ShapeMessage.FILE) return "file";
  if (shape === ShapeMessage.DIRECTORY) return "directory";
  throw malformed("the artefact's shape is missing");
}
