import { hash } from "node:crypto";

/** A strong validator for these octets (RFC 9110 section 8.8.3). */
export const etagOf = (octets: string | Uint8Array): string => `"${hash("sha256", octets, "base64url")}"`;

/** Whether the caller has what it would get: weak comparison, as If-None-Match wants it (RFC 9110 section 13.1.2). */
export const isUnchanged = (request: { headers: { "if-none-match"?: string } }, etag: string): boolean =>
  (request.headers["if-none-match"] ?? "")
    .split(",")
    .some((candidate) => ["*", etag].includes(candidate.trim().replace(/^W\//, "")));
