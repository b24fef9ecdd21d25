export { type CeremonyOptions, runCeremony } from "./ceremony.ts";
export { type InProcessSuite, readConfigurations, startInProcess } from "./in-process.ts";
export { type RenewPlatformOptions, renewPlatform } from "./renew-platform.ts";
export { readScript, type Script } from "./script.ts";
export { readTranscript, Transcript, type TranscriptEntry } from "./transcript.ts";
export { verifyTranscript } from "./verify.ts";
