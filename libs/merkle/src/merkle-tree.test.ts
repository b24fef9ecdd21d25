import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type InclusionProof, isIncluded, leafHash, MerkleTree } from "./index.ts";

const hex = (octets: Uint8Array): string => Buffer.from(octets).toString("hex");
const treeOf = (entries: readonly Uint8Array[]) => new MerkleTree(entries.map(leafHash));
const entries = (count: number) => Array.from({ length: count }, (_, i) => Buffer.from(`entry ${i}`));

/** MTH as RFC 9162 section 2.1.1 defines it, word for word and slow. */
function definition(leaves: readonly Uint8Array[]): Uint8Array {
  const sha256 = (...parts: Uint8Array[]) => parts.reduce((h, part) => h.update(part), createHash("sha256")).digest();
  if (leaves.length === 1) return sha256(Buffer.of(0), leaves[0] as Uint8Array);
  let k = 1;
  while (k * 2 < leaves.length) k *= 2;
  return sha256(Buffer.of(1), definition(leaves.slice(0, k)), definition(leaves.slice(k)));
}

describe("a Merkle tree", () => {
  // What implementations of Certificate Transparency test themselves with.
  const CT = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"];
  it.each([
    [1, "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"],
    [2, "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"],
    [3, "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77"],
    [8, "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"],
  ])("has the root that others compute over %i entries", (count, root) => {
    expect(hex(treeOf(CT.slice(0, count).map((text) => Buffer.from(text, "hex"))).root)).toBe(root);
  });

  it("is the definition's, at every size", () => {
    for (let size = 1; size <= 70; size++) expect(hex(treeOf(entries(size)).root)).toBe(hex(definition(entries(size))));
  });

  it("proves each leaf at every size, and at no other place", () => {
    for (let size = 1; size <= 40; size++) {
      const tree = treeOf(entries(size));
      for (const [index, entry] of entries(size).entries()) {
        const proof = tree.proofOf(index);
        expect(isIncluded(leafHash(entry), proof, tree.root)).toBe(true);
        for (let other = 0; other < size; other++) {
          if (other !== index)
            expect(isIncluded(leafHash(entry), { ...proof, leafIndex: other }, tree.root)).toBe(false);
        }
      }
    }
  });

  it("wants a leaf, and knows its own only", () => {
    expect(() => new MerkleTree([])).toThrow(RangeError);
    for (const index of [-1, 3, 0.5, Number.NaN]) expect(() => treeOf(entries(3)).proofOf(index)).toThrow(RangeError);
  });
});

describe("a proof", () => {
  const tree = treeOf(entries(11));
  const leaf = leafHash(entries(11)[6] as Uint8Array);
  const proof = tree.proofOf(6);
  const flipped = (octets: Uint8Array) => Uint8Array.from(octets, (octet, i) => (i === 9 ? octet ^ 1 : octet));

  it.each<[string, Partial<InclusionProof>]>([
    ["of another place", { leafIndex: 7 }],
    ["of another size with another shape", { treeSize: 7 }],
    ["of a place outside", { leafIndex: 11 }],
    ["of no place", { leafIndex: -1 }],
    ["of half a place", { leafIndex: 6.5 }],
    ["of an empty tree", { leafIndex: 0, treeSize: 0 }],
    ["of an endless tree", { treeSize: Number.POSITIVE_INFINITY }],
    ["of a tree too large", { treeSize: 2 ** 33 }],
    ["with a hash too few", { path: proof.path.slice(1) }],
    ["with a hash too many", { path: [...proof.path, tree.root] }],
    ["with hashes in another order", { path: proof.path.toReversed() }],
    ["with a short hash", { path: proof.path.map((octets) => octets.subarray(1)) }],
    ["with a bit flipped", { path: proof.path.map(flipped) }],
  ])("%s proves nothing", (_, change) => {
    expect(isIncluded(leaf, proof, tree.root)).toBe(true);
    expect(isIncluded(leaf, { ...proof, ...change }, tree.root)).toBe(false);
  });

  it("holds for its own leaf and root only: a node is no leaf", () => {
    expect(isIncluded(flipped(leaf), proof, tree.root)).toBe(false);
    expect(isIncluded(leaf, proof, flipped(tree.root))).toBe(false);
    const [first, second] = entries(2).map(leafHash) as [Uint8Array, Uint8Array];
    const two = new MerkleTree([first, second]);
    expect(hex(leafHash(Buffer.concat([first, second])))).not.toBe(hex(two.root));
  });

  it("never says yes to what is made up", () => {
    const octets = fc.uint8Array({ minLength: 32, maxLength: 32 });
    fc.assert(
      fc.property(
        octets,
        fc.nat(20),
        fc.nat(20),
        fc.array(octets, { maxLength: 6 }),
        (made, leafIndex, treeSize, path) => {
          expect(isIncluded(made, { leafIndex, treeSize, path }, tree.root)).toBe(false);
        },
      ),
    );
  });
});
