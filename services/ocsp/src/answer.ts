import { type OcspError, ocspErrorResponse } from "@vcc-pki/x509";

/** What is sent for one question. */
export interface Answer {
  /** OCSPResponse, DER, one character per octet: node:http sends headers and such a body with one write, but a Buffer with two. */
  readonly body: string;
  readonly kind: "ahead" | "on-demand" | OcspError;
  /** Of an answer that may be kept; seconds since 1970. undefined: it is for this question only. */
  readonly window: { readonly thisUpdate: number; readonly nextUpdate: number } | undefined;
}

const ERRORS = new Map<OcspError, Answer>();

/** Errors are not signed (RFC 6960 section 2.3). */
export function errorAnswer(kind: OcspError): Answer {
  const known = ERRORS.get(kind);
  if (known !== undefined) return known;
  const answer = { body: toLatin1(ocspErrorResponse(kind)), kind, window: undefined };
  ERRORS.set(kind, answer);
  return answer;
}

export const toLatin1 = (octets: Uint8Array): string =>
  Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength).toString("latin1");
