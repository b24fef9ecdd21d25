import { PkiError } from "@vcc-pki/errors";

/** The ocsp service as relying parties see it: an OCSP request in, an OCSP response out (RFC 6960 appendix A). */
export interface Responder {
  /** Refusals are in band, so they are answers like any other. Throws PEER_UNAVAILABLE when there is none. */
  ask(requestDer: Uint8Array): Promise<Buffer>;
}

const OCSP_REQUEST = "application/ocsp-request";
const OCSP_RESPONSE = "application/ocsp-response";
const TIMEOUT_MS = 5_000;
const MAX_RESPONSE_BYTES = 256 * 1024;

/** Over plain HTTP, because answers are signed. What comes back is handed on and believed by nobody here. */
export function httpResponder(origin: string): Responder {
  const url = new URL("/ocsp", origin);
  return {
    async ask(requestDer) {
      try {
        const response = await fetch(url, {
          method: "POST",
          headers: { "content-type": OCSP_REQUEST },
          body: Buffer.from(requestDer),
          redirect: "error",
          signal: AbortSignal.timeout(TIMEOUT_MS),
        });
        const body = Buffer.from(await response.arrayBuffer());
        if (response.status !== 200 || response.headers.get("content-type") !== OCSP_RESPONSE) {
          throw new Error(`status ${response.status}`);
        }
        if (body.length > MAX_RESPONSE_BYTES) throw new Error("an answer without end");
        return body;
      } catch (cause) {
        throw new PkiError("PEER_UNAVAILABLE", "the OCSP responder does not answer", { cause });
      }
    },
  };
}
