import { hash } from "node:crypto";
import { PkiError } from "@vcc-pki/errors";

/** Who asks: SPIFFE URIs of the service that calls and of whom it calls for. */
export interface Who {
  readonly caller: string;
  readonly requester: string;
}

/** Throws REQUEST_MALFORMED unless this can serve as a request id: 1 to 128 visible ASCII characters. */
export function requireRequestId(requestId: string): void {
  if (!/^[\x21-\x7e]{1,128}$/.test(requestId)) {
    throw new PkiError("REQUEST_MALFORMED", "request_id is not 1 to 128 visible ASCII characters");
  }
}

/** Digest of a request without its id, to tell a repeat from another request under the same id. */
export const contentSha256 = (encoded: Uint8Array): Uint8Array => hash("sha256", encoded, "buffer");

export const requestIdReused = (): PkiError =>
  new PkiError("REQUEST_ID_REUSED", "this request_id belongs to an earlier request with other content");

export const noSuchKey = (): PkiError => new PkiError("NOT_FOUND", "no such key");
