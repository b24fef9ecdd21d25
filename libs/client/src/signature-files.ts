import { closeSync, constants, fstatSync, openSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { PkiError } from "@vcc-pki/errors";

/** In a directory: the manifest with its CMS signature, and the bundle as OpenSSF Model Signing names it. They are never content of the artefact,
 *  whichever of them is used. */
export const MANIFEST = "SHA256SUMS";
export const MANIFEST_SIGNATURE = "SHA256SUMS.p7s";
export const MODEL_SIGNATURE = "model.sig";
export const SIGNATURE_NAMES: ReadonlySet<string> = new Set([MANIFEST, MANIFEST_SIGNATURE, MODEL_SIGNATURE]);

/** Beside a file: the file's name and one of these. */
const BESIDE = { cms: ".p7s", bundle: ".sigstore.json", attestation: ".publish.attestation" } as const;

/** What vouches for an artefact, as it was found; nothing of it has been parsed. */
export type SignatureFiles =
  | { readonly format: "manifest"; readonly manifest: Uint8Array; readonly cms: Uint8Array }
  | { readonly format: "cms"; readonly cms: Uint8Array }
  | { readonly format: "bundle" | "attestation"; readonly json: Uint8Array };

export interface FoundSignature {
  readonly files: SignatureFiles;
  /** Octets by file name, to be handed on with a copy. */
  readonly byName: ReadonlyMap<string, Uint8Array>;
}

/** A list of a million files has about a hundred octets for each; in a bundle they are JSON in base64. */
const MAX_LIST_OCTETS = 256 * 1024 * 1024;
const MAX_CMS_OCTETS = 1024 * 1024;

/** Reads what vouches for a directory. `named` is the file that the caller wants used. Throws NOT_FOUND when there is none, AMBIGUOUS when there
 *  are two, REQUEST_TOO_LARGE, FILE_NOT_REGULAR, FILE_UNREADABLE. */
export function readDirectorySignature(directory: string, named?: string): FoundSignature {
  if (named !== undefined && basename(named) !== MANIFEST && basename(named) !== MANIFEST_SIGNATURE)
    return readBundle(named);
  const at = (name: string) => join(directory, name);
  const cms = readIfThere(named ?? at(MANIFEST_SIGNATURE), MAX_CMS_OCTETS);
  const bundle = named === undefined ? readIfThere(at(MODEL_SIGNATURE), MAX_LIST_OCTETS) : undefined;
  if (cms && bundle) throw ambiguous(directory, [MANIFEST_SIGNATURE, MODEL_SIGNATURE]);
  if (bundle) return found({ format: "bundle", json: bundle }, [[MODEL_SIGNATURE, bundle]]);
  const manifest = cms && readIfThere(at(MANIFEST), MAX_LIST_OCTETS);
  if (cms === undefined || manifest === undefined) throw absent(directory, [MANIFEST_SIGNATURE, MODEL_SIGNATURE]);
  return found({ format: "manifest", manifest, cms }, [
    [MANIFEST, manifest],
    [MANIFEST_SIGNATURE, cms],
  ]);
}

/** Reads what vouches for one file, from beside it or from `named`. Throws as above. */
export function readFileSignature(file: string, named?: string): FoundSignature {
  const candidates = named === undefined ? Object.values(BESIDE).map((ending) => file + ending) : [named];
  const there = candidates.flatMap((candidate) => {
    const octets = readIfThere(candidate, candidate.endsWith(BESIDE.cms) ? MAX_CMS_OCTETS : MAX_LIST_OCTETS);
    return octets ? [[candidate, octets] as const] : [];
  });
  const [first, second] = there;
  if (first === undefined) throw absent(file, candidates);
  if (second !== undefined)
    throw ambiguous(
      file,
      there.map(([name]) => name),
    );
  const [name, octets] = first;
  const byName: [string, Uint8Array][] = [[basename(name), octets]];
  if (name.endsWith(BESIDE.cms)) return found({ format: "cms", cms: octets }, byName);
  return found({ format: name.endsWith(BESIDE.attestation) ? "attestation" : "bundle", json: octets }, byName);
}

function readBundle(file: string): FoundSignature {
  const json = readIfThere(file, MAX_LIST_OCTETS);
  if (json === undefined) throw absent(file, [file]);
  return found({ format: "bundle", json }, [[basename(file), json]]);
}

const found = (files: SignatureFiles, byName: readonly (readonly [string, Uint8Array])[]): FoundSignature => ({
  files,
  byName: new Map(byName),
});

/** Once, so that what is verified, what is parsed and what is handed on are the same octets. */
function readIfThere(file: string, maxOctets: number): Uint8Array | undefined {
  let descriptor: number;
  try {
    descriptor = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw new PkiError("FILE_UNREADABLE", `cannot read ${file} (${code})`, { cause, details: { file } });
  }
  try {
    const stats = fstatSync(descriptor);
    if (!stats.isFile()) throw new PkiError("FILE_NOT_REGULAR", `${file} is no regular file`, { details: { file } });
    if (stats.size > maxOctets) throw new PkiError("REQUEST_TOO_LARGE", `${file} is too large`, { details: { file } });
    return readFileSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

const absent = (what: string, names: readonly string[]): PkiError =>
  new PkiError(
    "NOT_FOUND",
    `nothing vouches for ${what}: there is no ${names.map((name) => basename(name)).join(", no ")}`,
  );

const ambiguous = (what: string, names: readonly string[]): PkiError =>
  new PkiError(
    "AMBIGUOUS",
    `${what} has more than one signature: ${names.map((name) => basename(name)).join(", ")}; name one`,
  );
