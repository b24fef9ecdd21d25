import { type OcspError, ocspErrorResponse } from "@vcc-pki/x509";

/** What is sent for one question. */
export interface Answer {
  /** OCSPResponse, DER. */
  readonly body: Buffer;
  readonly kind: "ahead" | "on-demand" | OcspError;
  /** Of an answer that may be kept; seconds since 1970. undefined: it is for this question only. */
  readonly window: { readonly thisUpdate: number; readonly nextUpdate: number } | undefined;
}

const ERRORS = new Map<OcspError, Answer>();

/** Errors are not signed (RFC 6960 section 2.3). */
export function errorAnswer(kind: OcspError): Answer {
  const known = ERRORS.get(kind);
  if (known !== undefined) return known;
  const answer = { body: Buffer.from(ocspErrorResponse(kind)), kind, window: undefined };
  ERRORS.set(kind, answer);
  return answer;
}
