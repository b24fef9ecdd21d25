import { isUtf8 } from "node:buffer";
import { PkiError } from "@vcc-pki/errors";
import canonicalize from "canonicalize";
import type { Shape } from "./digest.ts";
import { ArtefactFacts } from "./facts.ts";
import { canonicalResources, MAX_RESOURCES, type Resource } from "./resources.ts";
import { malformedManifest, manifestBody, parseSumsLine } from "./sums.ts";

/** What is signed of an artefact: what it is, and its files. */
export interface Manifest {
  readonly facts: ArtefactFacts;
  readonly shape: Shape;
  /** In canonical order; of the shape "file" exactly one, in no directory. */
  readonly resources: readonly Resource[];
}

/** What stands in an artefact's directory beside its own files: manifest and signature, and a bundle as OpenSSF Model Signing names it. */
export const MANIFEST_FILE = "SHA256SUMS";
export const MANIFEST_SIGNATURE_FILE = "SHA256SUMS.p7s";
export const MODEL_SIGNATURE_FILE = "model.sig";
/** Beside a distribution, as twine names it. */
export const PUBLISH_ATTESTATION_SUFFIX = ".publish.attestation";
export const SIGNATURE_FILES: ReadonlySet<string> = new Set([
  MANIFEST_FILE,
  MANIFEST_SIGNATURE_FILE,
  MODEL_SIGNATURE_FILE,
]);

/** What the signer of a manifest says that it is (the attribute mime-type of CAdES). Without it, a signature over a bare digest, of which a signer
 *  knows nothing, would be one over the manifest that has this digest. */
export const MANIFEST_MIME_TYPE = "application/vnd.vcc-pki.manifest";

/** A million files with paths of some 60 octets. */
const MAX_MANIFEST_OCTETS = 128 * 1024 * 1024;

const VERSION = "# vcc-manifest 1";
const SHAPE = "# shape: ";
const ARTEFACT = "# artefact: ";

/**
 * The manifest SHA256SUMS, in UTF-8: three lines that `sha256sum -c` takes for comments, with the facts as canonical JSON, and then what
 * `sha256sum -b` prints about every file, sorted. There is one manifest for one artefact, octet by octet. Throws as `canonicalResources`
 * and `checkFacts` do.
 */
export function buildManifest({ facts, shape, resources }: Manifest): Buffer {
  const canonical = canonicalResources(resources);
  checkShape(shape, canonical);
  const head = [VERSION, SHAPE + shape, ARTEFACT + canonicalize(checkFacts(facts))];
  return Buffer.from(`${head.join("\n")}\n${manifestBody(canonical)}`);
}

/** Reads a manifest that `buildManifest` could have written: all others are refused, so that no two readers see two things in one. Throws
 *  MANIFEST_MALFORMED, ARTEFACT_MALFORMED, NAME_MALFORMED, REQUEST_TOO_LARGE. */
export function parseManifest(octets: Uint8Array): Manifest {
  if (octets.length > MAX_MANIFEST_OCTETS) throw new PkiError("REQUEST_TOO_LARGE", "the manifest is too long");
  if (!isUtf8(octets)) throw malformedManifest("is not UTF-8");
  const text = Buffer.from(octets.buffer, octets.byteOffset, octets.length).toString("utf8");
  const lines = text.split("\n");
  if (lines.pop() !== "") throw malformedManifest("does not end with a line feed");
  const [version, shapeLine = "", artefactLine = "", ...sums] = lines;
  if (version !== VERSION) throw malformedManifest(`does not begin with "${VERSION}"`);
  if (sums.length > MAX_RESOURCES) throw new PkiError("REQUEST_TOO_LARGE", "the manifest has too many lines");

  const manifest: Manifest = {
    shape: parseShape(shapeLine),
    facts: parseFacts(artefactLine),
    resources: sums.map(parseSumsLine),
  };
  if (!buildManifest(manifest).equals(octets)) throw malformedManifest("is not written in its one form");
  return manifest;
}

function parseShape(line: string): Shape {
  const shape = line.startsWith(SHAPE) ? line.slice(SHAPE.length) : "";
  if (shape !== "file" && shape !== "directory")
    throw malformedManifest("does not say in its second line what it is of");
  return shape;
}

function parseFacts(line: string): ArtefactFacts {
  if (!line.startsWith(ARTEFACT)) throw malformedManifest("does not say in its third line what the artefact is");
  let json: unknown;
  try {
    json = JSON.parse(line.slice(ARTEFACT.length));
  } catch (cause) {
    throw new PkiError("MANIFEST_MALFORMED", "the manifest's artefact is not JSON", { cause });
  }
  return checkFacts(json);
}

/** Takes what somebody says about an artefact for facts. Throws ARTEFACT_MALFORMED. */
export function checkFacts(facts: unknown): ArtefactFacts {
  const parsed = ArtefactFacts.safeParse(facts);
  if (parsed.success) return parsed.data;
  const [{ path, message } = { path: [], message: "" }] = parsed.error.issues;
  const field = path.join(".");
  throw new PkiError("ARTEFACT_MALFORMED", `what is said of the artefact: ${field} ${message}`, { details: { field } });
}

/** Refuses files that are not of the shape, and signatures among them. Throws REQUEST_MALFORMED, NAME_MALFORMED. */
export function checkShape(shape: Shape, resources: readonly Resource[]): void {
  const [first] = resources;
  if (shape === "file" && (resources.length !== 1 || first?.path.includes("/")))
    throw new PkiError("REQUEST_MALFORMED", "an artefact that is a file has one resource, in no directory");
  const own = shape === "directory" && resources.find(({ path }) => SIGNATURE_FILES.has(path));
  if (own)
    throw new PkiError("NAME_MALFORMED", "a signature is no file of what it signs", { details: { file: own.path } });
}
