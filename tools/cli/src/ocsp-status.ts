import { randomBytes } from "node:crypto";
import { fetchPublic } from "@vcc-pki/client";
import { PkiError } from "@vcc-pki/errors";
import {
  buildCertId,
  buildOcspRequest,
  type Certificate,
  issuerHashes,
  parseOcspResponse,
  verifyOcspResponse,
} from "@vcc-pki/x509";
import type { ProvenStatus } from "./proven-status.ts";

const NONCE_OCTETS = 32;
const MAX_RESPONSE_BYTES = 512 * 1024;

/** What the responder named in the certificate says, signed for this very question. SHA-1 in the CertID is what every responder
 *  understands; it protects nothing. Throws STATUS_NOT_PROVEN, SIGNATURE_INVALID or PEER_UNAVAILABLE. */
export async function askOcsp(certificate: Certificate, issuer: Certificate, now: () => Date): Promise<ProvenStatus> {
  const [url] = certificate.ocspUrls;
  if (url === undefined) throw new PkiError("STATUS_NOT_PROVEN", withoutResponder(certificate));
  const nonce = new Uint8Array(randomBytes(NONCE_OCTETS));
  const { serial } = certificate;
  const request = buildOcspRequest([buildCertId(issuerHashes(issuer).sha1, serial)], nonce);
  const answer = await fetchPublic({
    ...{ url, accept: "application/ocsp-response", maxBytes: MAX_RESPONSE_BYTES },
    body: { type: "application/ocsp-request", bytes: request },
  });
  const proven = verifyOcspResponse(parseOcspResponse(answer), { issuer, serial, at: now(), nonce });
  const { response, responder } = proven;
  return {
    ...{ source: "ocsp", url, status: response.status, signer: responder },
    ...{ thisUpdate: response.thisUpdate, nextUpdate: response.nextUpdate },
    ...(response.status === "revoked" ? { revokedAt: response.revocationTime, reason: response.reason } : {}),
  };
}

const withoutResponder = ({ known }: Certificate): string =>
  known.noRevAvail
    ? "the certificate is short-lived and says that its status is not published (RFC 9608)"
    : "the certificate names no OCSP responder";
