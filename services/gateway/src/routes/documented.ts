import type { Readable } from "node:stream";
import { z } from "zod";
import { ApprovalPending, Problem } from "../api/problem.ts";

/** What any request may be answered with instead of its result. */
export const refusals = {
  default: {
    description: "Refused or failed (RFC 9457)",
    content: { "application/problem+json": { schema: Problem } },
  },
} as const;

/** For operations that a quorum of custodians may have to approve first. */
export const pending = {
  202: {
    description: "Waits for custodians; Location is where to ask",
    content: { "application/json": { schema: ApprovalPending } },
  },
} as const;

/** A body that is sent as it is: text for PEM, bytes for DER. Not validated on the way out, for it is ours. */
export const raw = (format: "pem" | "binary" | "event-stream") => ({
  schema: z.custom<string | Buffer | Readable>().meta({ type: "string", format }),
});

export const PKIX_CERT = "application/pkix-cert";
export const PKIX_CRL = "application/pkix-crl";
/** RFC 8555 section 9.1. */
export const PEM_CHAIN = "application/pem-certificate-chain";

/** True when the caller's Accept header prefers `mediaType` by naming it. */
export const accepts = (request: { headers: { accept?: string } }, mediaType: string): boolean =>
  (request.headers.accept ?? "").split(",").some((part) => part.split(";", 1)[0]?.trim().toLowerCase() === mediaType);
