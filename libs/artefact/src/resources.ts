import { PkiError } from "@vcc-pki/errors";
import { checkDistinct, checkResourcePath } from "./resource-path.ts";

/** A file of an artefact: its name and what is in it. */
export interface Resource {
  /** Below the artefact's directory, with "/" between its parts; of an artefact that is one file, that file's name. */
  readonly path: string;
  /** Lower-case. */
  readonly sha256Hex: string;
}

/** As many as `walkTree` of the client finds at most. */
export const MAX_RESOURCES = 1_000_000;

const SHA256_HEX = /^[0-9a-f]{64}$/;

/** Resources in the order of their paths' UTF-8 octets, which is not that of JavaScript's strings. Throws NAME_MALFORMED for a path that
 *  could mean another file, or the file of another path, elsewhere; REQUEST_MALFORMED for what is no SHA-256, and for none at all. */
export function canonicalResources(resources: readonly Resource[]): Resource[] {
  if (resources.length === 0) throw new PkiError("REQUEST_MALFORMED", "an artefact has at least one file");
  if (resources.length > MAX_RESOURCES)
    throw new PkiError("REQUEST_TOO_LARGE", `an artefact has at most ${MAX_RESOURCES} files`);
  for (const { path, sha256Hex } of resources) {
    checkResourcePath(path);
    if (!SHA256_HEX.test(sha256Hex))
      throw new PkiError("REQUEST_MALFORMED", "not a SHA-256 in lower-case hex", { details: { file: path } });
  }
  checkDistinct(resources.map(({ path }) => path));
  return sortByOctets(resources.map(({ path, sha256Hex }) => ({ path, sha256Hex })));
}

/** UTF-16 sorts surrogates before U+E000, UTF-8 behind; where there are none, JavaScript's order is that of the octets. */
function sortByOctets(resources: Resource[]): Resource[] {
  if (!resources.some(({ path }) => /[\ud800-\udfff]/.test(path))) {
    return resources.sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
  }
  const keyed = resources.map((resource) => ({ resource, octets: Buffer.from(resource.path) }));
  return keyed.sort((a, b) => Buffer.compare(a.octets, b.octets)).map(({ resource }) => resource);
}
