import {
  type ArtefactFacts,
  artefactDigest,
  buildAttestation,
  buildManifest,
  buildOmsStatement,
  canonicalResources,
  canonicalShards,
  checkFacts,
  type Digest,
  isDigest,
  type Manifest,
  parseStrictJson,
  type Resource,
  type Shape,
  type Shards,
  shardsDigest,
} from "@vcc-pki/artefact";
import { PkiError } from "@vcc-pki/errors";
import {
  type Artefact,
  type CreateSignerRequest,
  type Octets,
  type RecallRequest,
  type RecordUsageRequest,
  Shape as ShapeMessage,
} from "@vcc-pki/proto/signing";
import type { SpiffeId } from "@vcc-pki/rpc";
import { toHex } from "@vcc-pki/x509";
import canonicalize from "canonicalize";
import type { SignerWish } from "./enrolment.ts";
import type { Format } from "./forms.ts";
import type { RecallTarget } from "./recall.ts";
import { isSignerKeyAlgorithm } from "./signer-key.ts";
import type { Source } from "./store/lineage.ts";
import type { SignedArtefact } from "./store/signatures.ts";
import { USAGE_ACTIONS } from "./store/usages.ts";
import type { ReportedUsage } from "./usage.ts";

/** As the last part of a workload's SPIFFE id. */
const SIGNER = /^[a-z0-9][a-z0-9._-]{0,62}$/;
const MAX_METADATA_OCTETS = 256 * 1024;
const MAX_METADATA_DEPTH = 8;
const MAX_DIGESTS = 100;
const SHA256_OCTETS = 32;
const MAX_ID = 64;
const MAX_DATASET = 256;
const MAX_REASON = 500;
const MAX_CONTEXT = 256;
const MAX_TIMES = 1_000_000;

/** Empty: the workload itself. Throws REQUEST_MALFORMED. */
export function parseSigner(signer: string, requester: SpiffeId): string {
  if (signer === "" && requester.kind === "workload") return requester.service;
  if (!SIGNER.test(signer)) throw malformed("a signer is named as workloads are");
  return signer;
}

/** Throws REQUEST_MALFORMED, KEY_NOT_ALLOWED, PROFILE_NOT_ALLOWED. */
export function parseSignerWish(
  { signer, keyAlgorithm, profile }: CreateSignerRequest,
  profiles: readonly string[],
): Omit<SignerWish, "organisation"> {
  if (!SIGNER.test(signer)) throw malformed("a signer is named as workloads are");
  const wanted = { keyAlgorithm: keyAlgorithm || "ec-p256", profile: profile || "code_signing" };
  if (!isSignerKeyAlgorithm(wanted.keyAlgorithm))
    throw new PkiError("KEY_NOT_ALLOWED", `signers have no keys of kind "${keyAlgorithm}"`);
  if (!profiles.includes(wanted.profile))
    throw new PkiError("PROFILE_NOT_ALLOWED", "this profile is not one of signers");
  return { signer, profile: wanted.profile, keyAlgorithm: wanted.keyAlgorithm };
}

type ArtefactFormat = Exclude<Format, "digest">;

/** What there is of an artefact: files, or shards of them. */
type Contents = Pick<Manifest, "shape" | "resources"> | Shards;

/** What is signed of an artefact. Shards are OpenSSF Model Signing's: the others list whole files. */
function buildContent(format: ArtefactFormat, facts: ArtefactFacts, contents: Contents): Uint8Array {
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
};

/** How statements are signed. Throws REQUEST_MALFORMED. */
export function parseStatementFormat(format: string): ArtefactFormat {
  if (format !== "oms" && format !== "sigstore" && format !== "attestation")
    throw malformed("a statement has the format oms, sigstore or attestation");
  return format;
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
    ...{ facts, sources: sourcesOf(facts.metadata) },
    ...("shards" in contents
      ? { resources: contents.shards, artefactDigest: shardsDigest(contents) }
      : { resources: contents.resources, artefactDigest: artefactDigest(contents.shape, contents.resources) }),
    artefact: {
      ...{ type: facts.type, name: facts.name, version: facts.version, content },
      metadataJson: canonicalize(facts.metadata) ?? "{}",
    },
  };
}

/** In canonical order. */
function parseContents({ shape: shapeMessage, resources, shardOctets }: Artefact): Contents {
  const shape = parseShape(shapeMessage);
  const listed = resources.map(({ path, sha256 }) => ({ path, sha256Hex: toHex(sha256) }));
  if (resources.some(({ shard }) => (shard === undefined) !== (shardOctets === undefined)))
    throw malformed("all files are listed in shards, which have a size, or none");
  if (shardOctets === undefined) return { shape, resources: canonicalResources(listed) };
  const shards = listed.map((resource, i) => ({ ...resource, ...(resources[i]?.shard as Octets) }));
  return canonicalShards({ shape, shardOctets, shards });
}

function sourcesOf({ baseModel, datasets = [] }: ArtefactFacts["metadata"]): Source[] {
  const models = baseModel === undefined ? [] : [baseModel];
  return [
    ...models.map(({ name, digest }) => ({ relation: "base-model" as const, name, digest })),
    ...datasets.map(({ name, digest }) => ({ relation: "dataset" as const, name, digest })),
  ];
}

/** "sha256:" and hex. Throws REQUEST_MALFORMED. */
export function parseDigest(text: string): Digest {
  if (!isDigest(text)) throw malformed("a digest is sha256: and 64 lower-case hex digits");
  return text;
}

/** Throws REQUEST_MALFORMED. */
export function parseRecallTarget(target: RecallRequest["target"]): RecallTarget {
  switch (target?.$case) {
    case "artefactDigest":
      return { kind: "artefact", digest: parseDigest(target.value) };
    case "signerSince": {
      const { signer, signerKeyId, since = new Date(0) } = target.value;
      if (!SIGNER.test(signer) || signerKeyId.length > MAX_ID) throw malformed("a signer is named as workloads are");
      return { kind: "signer", signer, signerKeyId, since };
    }
    case "dataset":
      if (!isText(target.value, MAX_DATASET)) throw malformed("the dataset has no name");
      return { kind: "dataset", dataset: target.value };
    case undefined:
      throw malformed("the target is missing");
  }
}

/** Throws REQUEST_MALFORMED. */
export function parseUsage({ signatureId, action, context, times }: RecordUsageRequest): ReportedUsage {
  const known = USAGE_ACTIONS.find((each) => each === action);
  if (known === undefined) throw malformed(`a usage is ${USAGE_ACTIONS.join(", ")}`);
  if (context !== "" && !isText(context, MAX_CONTEXT)) throw malformed("the context is too long, or no text");
  if (times > MAX_TIMES) throw malformed(`more than ${MAX_TIMES} times at once`);
  return { signatureId, action: known, context, times: times || 1 };
}

/** For people. Throws REQUEST_MALFORMED. */
export function parseReason(reason: string): string {
  if (!isText(reason, MAX_REASON)) throw malformed(`a reason has 1 to ${MAX_REASON} characters`);
  return reason;
}

const isText = (text: string, maxCharacters: number): boolean =>
  text.trim() !== "" && text.length <= maxCharacters && text.isWellFormed() && !/\p{Cc}/u.test(text);

/** SHA-256 each, 1 to 100. Throws REQUEST_MALFORMED. */
export function parseDigests(digests: readonly Uint8Array[]): readonly Uint8Array[] {
  if (digests.length === 0 || digests.length > MAX_DIGESTS) throw malformed(`1 to ${MAX_DIGESTS} digests`);
  if (digests.some(({ length }) => length !== SHA256_OCTETS)) throw malformed("a digest is not SHA-256");
  return digests;
}

function parseMetadata(json: string): unknown {
  if (json === "") return {};
  const limits = { maxOctets: MAX_METADATA_OCTETS, maxDepth: MAX_METADATA_DEPTH };
  return parseStrictJson(Buffer.from(json), { ...limits, code: "ARTEFACT_MALFORMED", what: "the metadata" });
}

export function parseShape(shape: ShapeMessage): Shape {
  if (shape === ShapeMessage.FILE) return "file";
  if (shape === ShapeMessage.DIRECTORY) return "directory";
  throw malformed("the artefact's shape is missing");
}

export const malformed = (why: string): PkiError => new PkiError("REQUEST_MALFORMED", why);
