export { BUNDLE_MEDIA_TYPE, type Bundle, type BundleForm, buildBundle, parseBundle } from "./bundle/bundle.ts";
export { buildTrustedRoot, type TrustedAuthorities } from "./bundle/trusted-root.ts";
export { artefactDigest, type Digest, isDigest, type Shape } from "./digest.ts";
export {
  ARTEFACT_TYPES,
  ArtefactFacts,
  type ArtefactMetadata,
  type ArtefactType,
  RISK_CLASSES,
  type RiskClass,
} from "./facts.ts";
export {
  buildManifest,
  checkFacts,
  MANIFEST_FILE,
  MANIFEST_MIME_TYPE,
  MANIFEST_SIGNATURE_FILE,
  type Manifest,
  MODEL_SIGNATURE_FILE,
  PUBLISH_ATTESTATION_SUFFIX,
  parseManifest,
  SIGNATURE_FILES,
} from "./manifest.ts";
export type { RecallRecords } from "./recall/recall-checks.ts";
export {
  buildRecallList,
  parseRecallList,
  RECALL_LIST_PAYLOAD_TYPE,
  RECALL_SHARDS,
  type RecallEntry,
  type RecallList,
  recallShardOf,
} from "./recall/recall-list.ts";
export { type RecallEvidence, verifyRecallList } from "./recall/verify-recall-list.ts";
export { canonicalResources, MAX_RESOURCES, type Resource } from "./resources.ts";
export {
  canonicalShards,
  MIN_SHARD_OCTETS,
  type Shard,
  type ShardedManifest,
  type Shards,
  shardsDigest,
} from "./shards.ts";
export {
  ARTEFACT_PREDICATE_TYPE,
  buildAttestation,
  buildPublishAttestation,
  PUBLISH_PREDICATE_TYPE,
  type PublishedFile,
  type SignedDigest,
  type SignedFile,
} from "./statement/attestation.ts";
export { isDistributionName } from "./statement/distribution.ts";
export { IN_TOTO_PAYLOAD_TYPE } from "./statement/in-toto.ts";
export { buildOmsStatement, OMS_PREDICATE_TYPE, type SignedFiles, type SignedShards } from "./statement/oms.ts";
export { parseStatement, type Statement } from "./statement/statement.ts";
export { parseStrictJson } from "./strict-json.ts";
export { manifestBody } from "./sums.ts";
export type { Expected } from "./verification/facts-checks.ts";
export { type Observed, type ObservedDigest, recalledAs } from "./verification/observed.ts";
export { type SignatureFindings, timeStampQuestion } from "./verification/signature.ts";
export { statementDigest } from "./verification/signed-statement.ts";
export { type ArtefactTrust, signerIdentity, signerTrust } from "./verification/signer-trust.ts";
export { matchesIdentity, parseTrustPolicy, TrustPolicy } from "./verification/trust-policy.ts";
export { type RefusalCode, VERDICTS, type Verdict, type VerdictName, verdictsOf } from "./verification/verdicts.ts";
export {
  type ArtefactQuestion,
  type ArtefactVerification,
  type SignatureMaterial,
  type Signer,
  verifySignedArtefact,
} from "./verification/verify-signed-artefact.ts";
