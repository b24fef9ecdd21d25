import { PkiError } from "@vcc-pki/errors";
import type { Certificate } from "../certificate.ts";
import { equalBytes } from "../der/bytes.ts";
import { isKnown } from "../extensions/known-extensions.ts";
import { OID } from "../oids.ts";
import { isSignedBy } from "../signature.ts";
import { sha1KeyIdentifier } from "../spki.ts";
import { issuerHashes } from "./cert-id.ts";
import type { BasicOcspResponse, OcspError, OcspResponse } from "./response.ts";
import type { OcspSingleResponse } from "./response-data.ts";

/** How far another clock may be from ours. */
const CLOCK_SKEW_MS = 5 * 60_000;

/** What a response must answer. */
export interface OcspQuestion {
  /** The CA that issued the certificate. */
  readonly issuer: Certificate;
  /** Content octets of the certificate's serial number. */
  readonly serial: Uint8Array;
  readonly at: Date;
  /** The request's, when the answer has to be made for it. */
  readonly nonce?: Uint8Array;
  /** Default five minutes, in both directions. */
  readonly clockSkewMs?: number;
}

export interface ProvenStatus {
  readonly response: OcspSingleResponse;
  /** The issuer itself or a responder that it certified. */
  readonly responder: Certificate;
  /** The issuer vouches for this responder until its certificate ends; otherwise its own status is still to be asked for. */
  readonly isNoCheck: boolean;
}

/** Why a response proves nothing; `details.reason` of STATUS_NOT_PROVEN. */
type Reason = OcspError | "otherCertificate" | "notYetValid" | "outOfDate" | "nonceDiffers";

const notProven = (reason: Reason, message: string): PkiError =>
  new PkiError("STATUS_NOT_PROVEN", message, { details: { reason } });

/** The status that this response proves (RFC 6960 section 3.2). Throws SIGNATURE_INVALID when neither the issuer nor a responder of
 *  its signed it, ALGORITHM_NOT_ALLOWED, or STATUS_NOT_PROVEN with the reason in its details. "unknown" is an answer as well. */
export function verifyOcspResponse(response: OcspResponse, question: OcspQuestion): ProvenStatus {
  if (response.responseStatus !== "successful") {
    throw notProven(response.responseStatus, `the responder answers ${response.responseStatus}`);
  }
  const responder = findResponder(response, question);
  if (responder === undefined) {
    throw new PkiError("SIGNATURE_INVALID", "OCSP response is not signed by the issuer or a responder of its");
  }
  const single = findAnswer(response, question);
  requireTimely(single, response.data.producedAt, question);
  const { nonce } = question;
  if (nonce !== undefined && !(response.data.known.nonce && equalBytes(nonce, response.data.known.nonce))) {
    throw notProven("nonceDiffers", "OCSP response was not made for this request");
  }
  return { response: single, responder, isNoCheck: responder.known.ocspNoCheck ?? false };
}

/** Names alone decide nothing: of those that carry the responder's, the one whose key made the signature. */
function findResponder(response: BasicOcspResponse, { issuer, at }: OcspQuestion): Certificate | undefined {
  const { responderId } = response.data;
  const isNamed = (certificate: Certificate) =>
    "name" in responderId
      ? equalBytes(certificate.subject.der, responderId.name.der)
      : equalBytes(sha1KeyIdentifier(certificate.spkiDer), responderId.keyHash);
  return [issuer, ...response.certificates].find(
    (candidate) =>
      isNamed(candidate) &&
      (candidate === issuer || isDelegate(candidate, issuer, at)) &&
      isSignedBy(response, candidate.spkiDer),
  );
}

/** A responder that this CA itself certified for the purpose (RFC 6960 section 4.2.2.2); a chain in between is not accepted. */
function isDelegate(candidate: Certificate, issuer: Certificate, at: Date): boolean {
  const { extensions, extendedKeyUsages, keyUsage, notBefore, notAfter } = candidate;
  return (
    equalBytes(candidate.issuer.der, issuer.subject.der) &&
    (extendedKeyUsages ?? []).includes(OID.ocspSigning) &&
    (keyUsage ?? ["digitalSignature"]).includes("digitalSignature") &&
    notBefore <= at &&
    at <= notAfter &&
    extensions.every(({ oid, critical }) => !critical || isKnown(oid)) &&
    isSignedBy(candidate, issuer.spkiDer)
  );
}

/** Several answers about one certificate, by different hashes, should agree; if they do not, "revoked" is safe. */
function findAnswer(response: BasicOcspResponse, { issuer, serial }: OcspQuestion): OcspSingleResponse {
  const hashes = issuerHashes(issuer);
  const answers = response.data.responses.filter(({ certId }) => certId.matches(hashes, serial));
  const answer = answers.find(({ status }) => status === "revoked") ?? answers[0];
  if (answer === undefined) throw notProven("otherCertificate", "OCSP response is about other certificates");
  return answer;
}

/** RFC 6960 section 4.2.2.1. Without nextUpdate there is no telling how old an answer may be; RFC 9919 insists on it. */
function requireTimely({ thisUpdate, nextUpdate }: OcspSingleResponse, producedAt: Date, question: OcspQuestion): void {
  const { at, clockSkewMs = CLOCK_SKEW_MS } = question;
  const latest = at.getTime() + clockSkewMs;
  if (thisUpdate.getTime() > latest || producedAt.getTime() > latest) {
    throw notProven("notYetValid", "OCSP response is from the future");
  }
  if (nextUpdate === undefined || nextUpdate.getTime() < at.getTime() - clockSkewMs) {
    throw notProven("outOfDate", "OCSP response is out of date");
  }
}
