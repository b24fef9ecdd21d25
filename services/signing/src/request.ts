import {
  type ArtefactFacts,
  artefactDigest,
  buildAttestation,
  buildManifest,
  buildOmsStatement,
  buildPublishAttestation,
  canonicalResources,
  checkFacts,
  type Digest,
  isDigest,
  type Manifest,
  parseStrictJson,
  type Resource,
  type Shape,
} from "@vcc-pki/artefact";
import { PkiError } from "@vcc-pki/errors";
import {
  type Artefact,
  type CreateSignerRequest,
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

/** What is known of an artefact: its files, or its digest. */
type Known = { readonly artefactDigest: Digest } & (
  | { readonly shape: Shape; readonly resources: readonly Resource[] }
  | { readonly shape: "digest"; readonly resources: readonly [] }
);

/** What is signed of an artefact. */
function contentOf(format: ArtefactFormat, facts: ArtefactFacts, known: Known): Uint8Array {
  const { shape, resources, artefactDigest: digest } = known;
  if (format === "attestation")
    return buildAttestation(shape === "file" ? { facts, shape, resources } : { facts, shape, digest });
  if (shape === "digest") throw malformed("a digest is signed as an attestation");
  return BUILDERS[format]({ facts, shape, resources });
}

const BUILDERS: Readonly<Record<Exclude<ArtefactFormat, "attestation">, (manifest: Manifest) => Uint8Array>> = {
  manifest: buildManifest,
  oms: buildOmsStatement,
  sigstore: buildOmsStatement,
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
  /** In canonical order. */
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
  const known = parseKnown(message);
  const content = contentOf(format, facts, known);
  return {
    ...{ facts, resources: known.resources, sources: sourcesOf(facts.metadata) },
    artefactDigest: known.artefactDigest,
    artefact: {
      ...{ type: facts.type, name: facts.name, version: facts.version, content },
      metadataJson: canonicalize(facts.metadata) ?? "{}",
    },
  };
}

function parseKnown({ shape, resources: named, artefactDigest: digest }: Artefact): Known {
  if (shape === ShapeMessage.DIGEST) {
    if (named.length > 0) throw malformed("a digest has no files");
    return { shape: "digest", resources: [], artefactDigest: parseDigest(digest) };
  }
  if (digest !== "") throw malformed("the digest of files is counted here");
  const parsed = parseShape(shape);
  const resources = canonicalResources(named.map(({ path, sha256 }) => ({ path, sha256Hex: toHex(sha256) })));
  if (parsed === "file" && resources.length !== 1) throw malformed("a file is one");
  return { shape: parsed, resources, artefactDigest: artefactDigest(parsed, resources) };
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
