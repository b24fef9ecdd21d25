import {
  type ArtefactFacts,
  artefactDigest,
  buildManifest,
  buildOmsStatement,
  canonicalResources,
  canonicalShards,
  type Digest,
  type Resource,
  type Shape,
  type Shards,
  SIGNATURE_FILES,
  shardsDigest,
} from "@vcc-pki/artefact";
import { isModel } from "./contents/check-contents.ts";
import { type FlaggedFile, flagFiles } from "./contents/flags.ts";
import type { HashedFile } from "./hashing/hash-tree.ts";
import { hash, type ObserveOptions } from "./observe-artefact.ts";
import { PrivateCopy } from "./private-copy.ts";
import { resourcesOf, shardsOf } from "./resources-of.ts";
import { walkTree } from "./tree/walk.ts";

type DescribeOptions = Omit<ObserveOptions, "keep" | "signatureFile">;

interface Described {
  readonly shape: Shape;
  readonly digest: Digest;
  /** Of a model. */
  readonly flagged: readonly FlaggedFile[];
  readonly octets: number;
  /** In the making: the caller commits or discards it. */
  readonly copy: PrivateCopy | undefined;
}

/** An artefact that is about to be signed. */
export interface DescribedArtefact extends Described {
  /** SHA256SUMS, as it will be signed. */
  readonly manifest: Uint8Array;
  readonly resources: readonly Resource[];
}

/** A model that is about to be signed, whose files are hashed in pieces. */
export interface DescribedShards extends Described, Shards {
  /** Of OpenSSF Model Signing, as it will be signed. */
  readonly statement: Uint8Array;
}

/** Hashes an artefact and builds its manifest. Signatures that lie in its directory are not of it. Throws what `walkTree`, `hashTree`,
 *  `PrivateCopy` and `buildManifest` throw; no copy is left then. */
export const describeArtefact = (
  path: string,
  facts: ArtefactFacts,
  options: DescribeOptions,
): Promise<DescribedArtefact> =>
  describe(path, facts, options, (shape, files) => {
    const resources = canonicalResources(resourcesOf(files));
    const manifest = buildManifest({ facts, shape, resources });
    return { manifest, resources, digest: artefactDigest(shape, resources) };
  });

/** Hashes an artefact in pieces of so many octets, on all cores though it be one large file, and builds the statement about it. No manifest can say this:
 *  `sha256sum` knows whole files only. Throws what `describeArtefact` throws, REQUEST_MALFORMED for an empty file and for small pieces. */
export const describeInShards = (
  path: string,
  facts: ArtefactFacts,
  options: DescribeOptions & { readonly shardOctets: number },
): Promise<DescribedShards> =>
  describe(path, facts, options, (shape, files) => {
    const sharded = canonicalShards({ shape, shardOctets: options.shardOctets, shards: shardsOf(files) });
    return { ...sharded, statement: buildOmsStatement({ ...sharded, facts }), digest: shardsDigest(sharded) };
  });

async function describe<What>(
  path: string,
  facts: ArtefactFacts,
  options: DescribeOptions & { readonly shardOctets?: number },
  build: (shape: Shape, files: readonly HashedFile[]) => What,
): Promise<Omit<Described, "digest"> & What> {
  const tree = walkTree(path, SIGNATURE_FILES);
  const copy = options.copyTo === undefined ? undefined : new PrivateCopy(options.copyTo);
  try {
    const files = await hash(tree, copy, options);
    const shape = tree.isDirectory ? "directory" : "file";
    const flagged = isModel(facts.type) ? flagFiles(files) : [];
    const octets = files.reduce((sum, { size }) => sum + size, 0);
    return { shape, copy, flagged, octets, ...build(shape, files) };
  } catch (error) {
    copy?.discard();
    throw error;
  }
}
