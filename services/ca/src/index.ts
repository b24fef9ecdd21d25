export { CaConfig } from "./config.ts";
export { type RunningCa, ca, startCa } from "./service.ts";
export { bumpGeneration } from "./store/generation.ts";
