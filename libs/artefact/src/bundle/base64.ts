import { z } from "zod";

/** Base64 in its one form (RFC 4648 section 4): node:buffer reads past what is none, and fills up what is missing. */
export const base64 = z.string().transform((text, context): Buffer => {
  const octets = Buffer.from(text, "base64");
  if (octets.length === 0 || octets.toString("base64") !== text) {
    context.addIssue({ code: "custom", message: "not base64, or not in its one form" });
  }
  return octets;
});

export const toBase64 = (octets: Uint8Array): string => Buffer.from(octets).toString("base64");
