import {
  buildCertId,
  type CertIdHash,
  type CertStatus,
  REVOCATION_REASONS,
  type ResponseDataFields,
  type RevocationReason,
} from "@vcc-pki/x509";
import type { Issuer } from "./issuers.ts";
import type { Revocation } from "./status.ts";

const REASON_BY_NUMBER = new Map<number, RevocationReason>(
  Object.entries(REVOCATION_REASONS).map(([reason, number]) => [number, reason as RevocationReason]),
);

export const reasonName = (reason: number): RevocationReason => REASON_BY_NUMBER.get(reason) ?? "unspecified";

/** What an answer says of a certificate that was issued. */
export const certStatus = (revocation: Revocation | undefined): CertStatus =>
  revocation === undefined
    ? { status: "good" }
    : {
        status: "revoked",
        revocationTime: new Date(revocation.revokedAtMs),
        reason: reasonName(revocation.reason),
      };

/** Seconds since 1970. */
export interface Window {
  readonly thisUpdate: number;
  readonly nextUpdate: number;
}

/** All that an answer signed ahead says, from what is kept of it. It was produced when its status was looked up. */
export function answerFields(
  issuer: Issuer,
  hash: CertIdHash,
  serial: Uint8Array,
  revocation: Revocation | undefined,
  window: Window,
): ResponseDataFields {
  const thisUpdate = new Date(window.thisUpdate * 1_000);
  return {
    producedAt: thisUpdate,
    responses: [
      {
        ...certStatus(revocation),
        certIdDer: buildCertId(issuer.hashes[hash], serial),
        thisUpdate,
        nextUpdate: new Date(window.nextUpdate * 1_000),
        extensions: issuer.singleExtensions,
      },
    ],
  };
}
