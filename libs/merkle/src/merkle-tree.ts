import { hash } from "node:crypto";

/** What shows that a leaf stands in a tree (RFC 9162 section 2.1.3, RFC 6962 section 2.1.1). */
export interface InclusionProof {
  /** Place of the leaf, from 0. */
  readonly leafIndex: number;
  /** Leaves of the tree. */
  readonly treeSize: number;
  /** Hashes of 32 octets, from the leaf's sibling to the root's child. */
  readonly path: readonly Uint8Array[];
}

const HASH_OCTETS = 32;
const LEAF = Buffer.of(0x00);
const NODE = Buffer.of(0x01);

/** Leaves of the largest tree: 2^32. */
const MAX_SIZE = 2 ** 32;

/** SHA-256(0x00 || entry). The prefix keeps an entry from passing for two nodes (RFC 9162 section 2.1.1). */
export const leafHash = (entry: Uint8Array): Uint8Array => sha256(LEAF, entry);

const nodeHash = (left: Uint8Array, right: Uint8Array): Uint8Array => sha256(NODE, left, right);

/** Through hex, which is twice as fast as asking for a Buffer. */
const sha256 = (...parts: readonly Uint8Array[]): Uint8Array =>
  Buffer.from(hash("sha256", Buffer.concat(parts)), "hex");

/** The tree over leaves that are all at hand, with every node kept: a proof is then looked up, not computed (RFC 9162 section 2.1). */
export class MerkleTree {
  /** `#levels[0]` are the leaves; a node without a sibling rises as it is. */
  readonly #levels: readonly (readonly Uint8Array[])[];

  /** `leaves` are leaf hashes, at least one. */
  constructor(leaves: readonly Uint8Array[]) {
    if (leaves.length === 0 || leaves.length > MAX_SIZE) throw new RangeError("a tree has 1 to 2^32 leaves");
    const levels = [leaves];
    for (let level = leaves; level.length > 1; levels.push(level)) level = parents(level);
    this.#levels = levels;
  }

  get size(): number {
    return this.#levels[0]?.length ?? 0;
  }

  /** Merkle Tree Hash, 32 octets. */
  get root(): Uint8Array {
    return this.#levels.at(-1)?.[0] as Uint8Array;
  }

  proofOf(leafIndex: number): InclusionProof {
    if (!Number.isInteger(leafIndex) || leafIndex < 0 || leafIndex >= this.size) throw new RangeError("no such leaf");
    const path: Uint8Array[] = [];
    let place = leafIndex;
    for (const level of this.#levels) {
      const sibling = level[place % 2 === 0 ? place + 1 : place - 1];
      if (sibling !== undefined) path.push(sibling);
      place = Math.floor(place / 2);
    }
    return { leafIndex, treeSize: this.size, path };
  }
}

function parents(level: readonly Uint8Array[]): Uint8Array[] {
  const above: Uint8Array[] = [];
  for (let i = 0; i < level.length; i += 2) {
    const [left, right] = [level[i] as Uint8Array, level[i + 1]];
    above.push(right === undefined ? left : nodeHash(left, right));
  }
  return above;
}

/** True if the leaf with this hash stands where `proof` says in the tree with this root (RFC 9162 section 2.1.3.2). A proof with a hash
 *  too many or too few, or out of range, proves nothing. */
export function isIncluded(leaf: Uint8Array, { leafIndex, treeSize, path }: InclusionProof, root: Uint8Array): boolean {
  const isPlace = Number.isInteger(leafIndex) && Number.isInteger(treeSize) && leafIndex >= 0;
  if (!isPlace || leafIndex >= treeSize || treeSize > MAX_SIZE) return false;
  if (![leaf, root, ...path].every(({ length }) => length === HASH_OCTETS)) return false;
  let [node, place, last, used] = [leaf, leafIndex, treeSize - 1, 0];
  // Upwards: a node at the end of a level of odd length has no sibling.
  for (; last > 0; place = Math.floor(place / 2), last = Math.floor(last / 2)) {
    if (place === last && place % 2 === 0) continue;
    const sibling = path[used++];
    if (sibling === undefined) return false;
    node = place % 2 === 1 ? nodeHash(sibling, node) : nodeHash(node, sibling);
  }
  return used === path.length && Buffer.compare(node, root) === 0;
}
