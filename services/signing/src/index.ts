export { SigningConfig } from "./config.ts";
export { type RunningSigning, signing, startSigning } from "./service.ts";
