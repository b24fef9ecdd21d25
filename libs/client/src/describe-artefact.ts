import {
  type ArtefactFacts,
  artefactDigest,
  buildManifest,
  canonicalResources,
  type Digest,
  type Resource,
  SIGNATURE_FILES,
} from "@vcc-pki/artefact";
import { type FlaggedFile, flagFiles } from "./contents/flags.ts";
import { hash, type ObserveOptions } from "./observe-artefact.ts";
import { resourcesOf } from "./resources-of.ts";
import { walkTree } from "./tree/walk.ts";

/** An artefact that is about to be signed. */
export interface DescribedArtefact {
  /** SHA256SUMS, as it will be signed. */
  readonly manifest: Uint8Array;
  readonly digest: Digest;
  readonly resources: readonly Resource[];
  readonly flagged: readonly FlaggedFile[];
  readonly octets: number;
}

/** Hashes an artefact and builds its manifest. Signatures that lie in its directory are not of it. Throws what `walkTree`, `hashTree` and
 *  `buildManifest` throw. */
export async function describeArtefact(
  path: string,
  facts: ArtefactFacts,
  options: Omit<ObserveOptions, "copyTo" | "keep" | "signatureFile">,
): Promise<DescribedArtefact> {
  const tree = walkTree(path, SIGNATURE_FILES);
  const files = await hash(tree, undefined, options);
  const resources = canonicalResources(resourcesOf(files));
  const shape = tree.isDirectory ? "directory" : "file";
  return {
    manifest: buildManifest({ facts, shape, resources }),
    digest: artefactDigest(shape, resources),
    resources,
    flagged: flagFiles(files),
    octets: files.reduce((sum, { size }) => sum + size, 0),
  };
}
