export { ExportedMatrix, type IncomingRequest } from "./communication/exported-matrix.ts";
export { type Adapter, type AdapterConfig, readAdapter } from "./contents/adapter.ts";
export { checkContents, isModel } from "./contents/check-contents.ts";
export { FLAGS, type Flag, type FlaggedFile, flagFiles } from "./contents/flags.ts";
export { type HashedOctets, hashedOctets } from "./contents/hashed-octets.ts";
export { type ReadAt, readSafetensors, type SafetensorsHeader, type Tensor } from "./contents/safetensors.ts";
export {
  type DescribedArtefact,
  type DescribedShards,
  describeArtefact,
  describeInShards,
} from "./describe-artefact.ts";
export { type HashedFile, type HashOptions, hashTree } from "./hashing/hash-tree.ts";
export { cacheDirectory, type Host, thisHost } from "./hashing/host.ts";
export type { HashProgress } from "./hashing/progress.ts";
export type { ReadRange } from "./hashing/range.ts";
export { RememberedDigests, type RememberOptions } from "./hashing/remembered-digests.ts";
export { type LoadedArtefact, loadVerified } from "./load-verified.ts";
export { type ObservedArtefact, type ObserveOptions, observeArtefact } from "./observe-artefact.ts";
export type { Online } from "./online/ask-online.ts";
export { fetchPublic, type PublicRequest } from "./online/fetch-public.ts";
export { type Answer, KeptAnswers } from "./online/kept-answers.ts";
export { type EvidenceOptions, type GatheredEvidence, gatherEvidence } from "./online/revocation-evidence.ts";
export { certificatesIn } from "./online/signature-certificates.ts";
export { PrivateCopy } from "./private-copy.ts";
export { type FoundSignature, readSignature } from "./signature-files.ts";
export type { FileIdentity } from "./tree/identity.ts";
export { type FoundFile, type Tree, walkTree } from "./tree/walk.ts";
export { readTrustPolicy } from "./trust-policy-file.ts";
export { type VerifiedArtefact, type VerifyOptions, verifyArtefact } from "./verify-artefact.ts";
export { type VerifiedDigest, verifyDigest } from "./verify-digest.ts";
