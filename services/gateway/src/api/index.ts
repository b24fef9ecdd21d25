/** The shapes of the REST door, as zod schemas: validated here, documented by OpenAPI, and parsed again by the CLI. */
export * from "./approvals.ts";
export * from "./authorities.ts";
export * from "./brought.ts";
export * from "./certificates.ts";
export * from "./crl.ts";
export * from "./events.ts";
export * from "./fields.ts";
export * from "./health.ts";
export * from "./ocsp.ts";
export * from "./organisations.ts";
export * from "./problem.ts";
export * from "./profiles.ts";
export * from "./signing.ts";
export * from "./stamped-document.ts";
export * from "./time-stamp-check.ts";
export * from "./tsa.ts";
export * from "./verification.ts";
