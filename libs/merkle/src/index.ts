export { type InclusionProof, isIncluded, leafHash, MerkleTree } from "./merkle-tree.ts";
