export { CaConfig } from "./config.ts";
export { ca, type RunningCa, startCa } from "./service.ts";
export { bumpGeneration } from "./store/generation.ts";
