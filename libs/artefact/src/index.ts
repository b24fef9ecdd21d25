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
  parseManifest,
  SIGNATURE_FILES,
} from "./manifest.ts";
export { canonicalResources, MAX_RESOURCES, type Resource } from "./resources.ts";
export { manifestBody } from "./sums.ts";
export { type SignatureFindings, timeStampQuestion } from "./verification/cms-signature.ts";
export type { Expected } from "./verification/facts-checks.ts";
export type { Observed, ObservedDigest } from "./verification/observed.ts";
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
