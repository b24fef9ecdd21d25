import {
  type ArtefactFacts,
  artefactDigest,
  buildManifest,
  canonicalResources,
  type Digest,
  type Resource,
  type Shape,
  SIGNATURE_FILES,
} from "@vcc-pki/artefact";
import { isModel } from "./contents/check-contents.ts";
import { type FlaggedFile, flagFiles } from "./contents/flags.ts";
import { hash, type ObserveOptions } from "./observe-artefact.ts";
import { PrivateCopy } from "./private-copy.ts";
import { resourcesOf } from "./resources-of.ts";
import { walkTree } from "./tree/walk.ts";

/** An artefact that is about to be signed. */
export interface DescribedArtefact {
  /** SHA256SUMS, as it will be signed. */
  readonly manifest: Uint8Array;
  readonly digest: Digest;
  readonly shape: Shape;
  readonly resources: readonly Resource[];
  /** Of a model. */
  readonly flagged: readonly FlaggedFile[];
  readonly octets: number;
  /** In the making: the caller commits or discards it. */
  readonly copy: PrivateCopy | undefined;
}

/** Hashes an artefact and builds its manifest. Signatures that lie in its directory are not of it. Throws what `walkTree`, `hashTree`,
 *  `PrivateCopy` and `buildManifest` throw; no copy is left then. */
export async function describeArtefact(
  path: string,
  facts: ArtefactFacts,
  options: Omit<ObserveOptions, "keep" | "signatureFile">,
): Promise<DescribedArtefact> {
  const tree = walkTree(path, SIGNATURE_FILES);
  const copy = options.copyTo === undefined ? undefined : new PrivateCopy(options.copyTo);
  try {
    const files = await hash(tree, copy, options);
    const resources = canonicalResources(resourcesOf(files));
    const shape = tree.isDirectory ? "directory" : "file";
    return {
      ...{ shape, resources, copy, manifest: buildManifest({ facts, shape, resources }) },
      digest: artefactDigest(shape, resources),
      flagged: isModel(facts.type) ? flagFiles(files) : [],
      octets: files.reduce((sum, { size }) => sum + size, 0),
    };
  } catch (error) {
    copy?.discard();
    throw error;
  }
}
