export { OcspConfig } from "./config.ts";
export { ocsp, type RunningOcsp, startOcsp } from "./service.ts";
