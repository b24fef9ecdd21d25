import { closeSync, constants, fstatSync, openSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import {
  MANIFEST_FILE,
  MANIFEST_SIGNATURE_FILE,
  MODEL_SIGNATURE_FILE,
  PUBLISH_ATTESTATION_SUFFIX,
  type SignatureMaterial,
} from "@vcc-pki/artefact";
import { PkiError } from "@vcc-pki/errors";

export interface FoundSignature {
  /** As it was found; nothing of it has been parsed. */
  readonly material: SignatureMaterial;
  /** Octets by file name, to be handed on with a copy. */
  readonly byName: ReadonlyMap<string, Uint8Array>;
}

/** A place where a signature may be. */
interface Place {
  readonly format: SignatureMaterial["format"];
  readonly file: string;
}

/** A list of a million files has about a hundred octets for each; in a bundle they are JSON in base64. */
const MAX_LIST_OCTETS = 256 * 1024 * 1024;
const MAX_CMS_OCTETS = 1024 * 1024;

/** Reads what vouches for an artefact: in its directory, or beside the one file that it is, or where `named` says. Throws NOT_FOUND when there
 *  is none, AMBIGUOUS when there are two, REQUEST_TOO_LARGE, FILE_NOT_REGULAR, FILE_UNREADABLE. */
export function readSignature(artefact: string, isDirectory: boolean, named?: string): FoundSignature {
  const places = named !== undefined ? [placeNamed(named)] : isDirectory ? placesIn(artefact) : placesBeside(artefact);
  const [first, second] = places.flatMap((place) => {
    const found = readPlace(place);
    return found ? [found] : [];
  });
  const names = places.map(({ file }) => basename(file)).join(", ");
  if (first === undefined) throw new PkiError("NOT_FOUND", `nothing vouches for ${artefact}: none of ${names}`);
  if (second !== undefined)
    throw new PkiError("AMBIGUOUS", `${artefact} has more than one signature: name one of ${names}`);
  return first;
}

/** Reads what vouches for a digest. Throws as `readSignature` does. */
export function readSignatureAt(file: string): FoundSignature {
  const found = readPlace(placeNamed(file));
  if (found === undefined) throw new PkiError("NOT_FOUND", `there is no ${file}`);
  return found;
}

const placesIn = (directory: string): Place[] => [
  { format: "manifest", file: join(directory, MANIFEST_SIGNATURE_FILE) },
  { format: "bundle", file: join(directory, MODEL_SIGNATURE_FILE) },
];

const placesBeside = (file: string): Place[] => [
  { format: "cms", file: `${file}.p7s` },
  { format: "bundle", file: `${file}.sigstore.json` },
  { format: "bundle", file: file + PUBLISH_ATTESTATION_SUFFIX },
  { format: "manifest", file: join(dirname(file), MANIFEST_SIGNATURE_FILE) },
];

function placeNamed(file: string): Place {
  const name = basename(file);
  if (name === MANIFEST_SIGNATURE_FILE || name === MANIFEST_FILE) {
    return { format: "manifest", file: join(dirname(file), MANIFEST_SIGNATURE_FILE) };
  }
  return { format: name.endsWith(".p7s") ? "cms" : "bundle", file };
}

function readPlace({ format, file }: Place): FoundSignature | undefined {
  const isCms = format === "manifest" || format === "cms";
  const octets = readIfThere(file, isCms ? MAX_CMS_OCTETS : MAX_LIST_OCTETS);
  if (octets === undefined) return undefined;
  const own: [string, Uint8Array] = [basename(file), octets];
  if (format === "cms") return { material: { format, cms: octets }, byName: new Map([own]) };
  if (format !== "manifest") return { material: { format, bundle: octets }, byName: new Map([own]) };
  const manifest = readIfThere(join(dirname(file), MANIFEST_FILE), MAX_LIST_OCTETS);
  if (manifest === undefined) throw new PkiError("NOT_FOUND", `${file} is there, but no ${MANIFEST_FILE} beside it`);
  return { material: { format, manifest, cms: octets }, byName: new Map([[MANIFEST_FILE, manifest], own]) };
}

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
