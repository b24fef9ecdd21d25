import { lstatSync, realpathSync } from "node:fs";
import { join } from "node:path";
import { parseBundle, parseStatement, SIGNATURE_FILES, type SignatureMaterial } from "@vcc-pki/artefact";
import { PkiError } from "@vcc-pki/errors";
import type { Clock } from "@vcc-pki/time";
import { type FlaggedFile, flagFiles } from "./contents/flags.ts";
import { type HashedFile, type HashOptions, hashTree } from "./hashing/hash-tree.ts";
import { cacheDirectory, thisHost } from "./hashing/host.ts";
import type { HashProgress } from "./hashing/progress.ts";
import { RememberedDigests } from "./hashing/remembered-digests.ts";
import { PrivateCopy } from "./private-copy.ts";
import { type FoundSignature, readSignature } from "./signature-files.ts";
import { type Tree, walkTree } from "./tree/walk.ts";

export interface ObserveOptions {
  readonly clock: Clock;
  /** What vouches for it, when that is not where it is looked for. */
  readonly signatureFile?: string | undefined;
  /** Where digests of files that do not change are remembered; `false` for nowhere. Default: this user's cache. */
  readonly remember?: string | false | undefined;
  /** A directory to be made, of exactly the octets that were hashed. */
  readonly copyTo?: string | undefined;
  /** Whether the octets are to be at hand afterwards, in memory. */
  readonly keep?: boolean | undefined;
  /** More is refused before it is read. */
  readonly maxOctets?: number | undefined;
  readonly onProgress?: ((progress: HashProgress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** An artefact as it lies on disk, hashed, and what vouches for it. Nothing has been verified. */
export interface ObservedArtefact {
  readonly isDirectory: boolean;
  readonly signature: FoundSignature;
  readonly files: readonly HashedFile[];
  /** Files were hashed in pieces of so many octets, since what vouches for it says so. */
  readonly shardOctets: number | undefined;
  readonly flagged: readonly FlaggedFile[];
  /** In the making: the caller commits or discards it. */
  readonly copy: PrivateCopy | undefined;
}

/** Reads what vouches for an artefact, then hashes all of it, in this order: what is signed later than it was read is not what is hashed. Throws
 *  what `walkTree`, `hashTree`, `PrivateCopy` and `readSignature` throw; no copy is left then. */
export async function observeArtefact(path: string, options: ObserveOptions): Promise<ObservedArtefact> {
  const isDirectory = isDirectoryAt(path);
  const signature = readSignature(path, isDirectory, options.signatureFile);
  const tree = walkTree(path, isDirectory ? SIGNATURE_FILES : undefined);
  requireAtMost(options.maxOctets, tree);
  const copy = options.copyTo === undefined ? undefined : new PrivateCopy(options.copyTo);
  try {
    for (const [name, octets] of signature.byName) copy?.write(name, octets);
    const shardOctets = shardOctetsIn(signature.material);
    const files = await hash(tree, copy, { ...options, shardOctets });
    return { isDirectory, signature, files, shardOctets, flagged: flagFiles(files), copy };
  } catch (error) {
    copy?.discard();
    throw error;
  }
}

/** In which pieces files are to be hashed: what is signed says it, which nobody has verified yet. Where it cannot be read, verification says why. */
function shardOctetsIn(material: SignatureMaterial): number | undefined {
  if (material.format !== "bundle") return undefined;
  try {
    const statement = parseStatement(parseBundle(material.bundle).envelope.payload);
    return "shards" in statement ? statement.shardOctets : undefined;
  } catch (error) {
    if (error instanceof PkiError) return undefined;
    throw error;
  }
}

/** Hashes a tree with what is remembered of it. */
export async function hash(
  tree: Tree,
  copy: PrivateCopy | undefined,
  { clock, remember, keep, onProgress, signal, shardOctets }: ObserveOptions & Pick<HashOptions, "shardOctets">,
): Promise<HashedFile[]> {
  const host = remember === false ? undefined : thisHost();
  const directory = remember || join(cacheDirectory(process.env), "digests");
  const remembered = host && RememberedDigests.open(tree, { directory, host, clock });
  const copyTo = copy && (({ path }: { path: string }) => copy.place(path));
  try {
    return await hashTree(tree, { clock, remembered, shardOctets, copyTo, keep, onProgress, signal });
  } finally {
    remembered?.close();
  }
}

function requireAtMost(maxOctets = Number.POSITIVE_INFINITY, { root, files }: Tree): void {
  const octets = files.reduce((sum, { size }) => sum + size, 0);
  if (octets > maxOctets)
    throw new PkiError("REQUEST_TOO_LARGE", `${root} has ${octets} octets, more than ${maxOctets}`);
}

function isDirectoryAt(path: string): boolean {
  try {
    return lstatSync(realpathSync(path)).isDirectory();
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new PkiError("FILE_UNREADABLE", `cannot read ${path} (${code})`, { cause, details: { file: path } });
  }
}
