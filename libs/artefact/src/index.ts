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
  MANIFEST_SIGNATURE_FILE,
  type Manifest,
  MODEL_SIGNATURE_FILE,
  parseManifest,
  SIGNATURE_FILES,
} from "./manifest.ts";
export { canonicalResources, MAX_RESOURCES, type Resource } from "./resources.ts";
export { manifestBody } from "./sums.ts";
