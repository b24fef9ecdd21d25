export { type HashedFile, type HashOptions, hashTree } from "./hashing/hash-tree.ts";
export { cacheDirectory, type Host, thisHost } from "./hashing/host.ts";
export type { HashProgress } from "./hashing/progress.ts";
export type { ReadRange } from "./hashing/range.ts";
export { RememberedDigests, type RememberOptions } from "./hashing/remembered-digests.ts";
export { fetchPublic, type PublicRequest } from "./online/fetch-public.ts";
export { PrivateCopy } from "./private-copy.ts";
export type { FileIdentity } from "./tree/identity.ts";
export { type FoundFile, type Tree, walkTree } from "./tree/walk.ts";
