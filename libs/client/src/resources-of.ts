import type { Resource, Shard } from "@vcc-pki/artefact";
import type { HashedFile } from "./hashing/hash-tree.ts";

/** Files that were hashed whole, as what is signed names them; not in canonical order. */
export const resourcesOf = (files: readonly HashedFile[]): Resource[] =>
  files.map(({ path, ranges: [whole, more] }) => {
    if (whole === undefined || more !== undefined) throw new Error(`${path} was hashed in pieces`);
    return { path, sha256Hex: whole.sha256Hex };
  });

/** Files that were hashed in pieces. An empty file has one without an octet, which nothing that is signed has. */
export const shardsOf = (files: readonly HashedFile[]): Shard[] =>
  files.flatMap(({ path, ranges }) => ranges.map(({ start, end, sha256Hex }) => ({ path, start, end, sha256Hex })));
