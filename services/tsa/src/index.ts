export { TsaConfig } from "./config.ts";
export { type RunningTsa, startTsa, tsa } from "./service.ts";
