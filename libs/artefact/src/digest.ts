import { hash } from "node:crypto";
import type { Resource } from "./resources.ts";
import { manifestBody } from "./sums.ts";

/** `sha256:` and 64 lower-case hex digits: what lineage, recalls and searches go by. */
export type Digest = `sha256:${string}`;

export const isDigest = (text: string): text is Digest => /^sha256:[0-9a-f]{64}$/.test(text);

/** One file, or all that is in a directory. The same file alone and as the only one of a directory are two artefacts. */
export type Shape = "file" | "directory";

/** What an artefact is, whatever it is called: of one file its own SHA-256; of a directory that of the lines of its manifest, so
 *  `(cd DIR && find . -type f -printf '%P\0' | LC_ALL=C sort -z | xargs -0 sha256sum -b --) | sha256sum`. `resources` are canonical. */
export function artefactDigest(shape: Shape, resources: readonly Resource[]): Digest {
  const [first] = resources;
  if (first === undefined || (shape === "file" && resources.length > 1)) throw new RangeError("not the shape of these");
  return `sha256:${shape === "file" ? first.sha256Hex : hash("sha256", manifestBody(resources))}`;
}
