export {
  ClockProof,
  type ClockProofOptions,
  type ClockState,
  type NoTime,
  type ProvenTime,
  type UnavailableReason,
} from "./clock-proof.ts";
export { ClockConfig } from "./config.ts";
export type { ClockEvidence } from "./evidence.ts";
export type { Quorum, SourceStatement } from "./quorum.ts";
export type { ClockSource, Leap, Measurement, SourceKind, SourceReport } from "./source.ts";
export { createSources } from "./sources.ts";
