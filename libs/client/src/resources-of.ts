import type { Resource } from "@vcc-pki/artefact";
import type { HashedFile } from "./hashing/hash-tree.ts";

/** Files that were hashed whole, as what is signed names them; not in canonical order. */
export const resourcesOf = (files: readonly HashedFile[]): Resource[] =>
  files.map(({ path, ranges: [whole, more] }) => {
    if (whole === undefined || more !== undefined) throw new Error(`${path} was hashed in pieces`);
    return { path, sha256Hex: whole.sha256Hex };
  });
