import { CertificateStatus, type GetStatusResponse } from "@vcc-pki/proto/ocsp";
import type { RevocationReason as StandardReason } from "@vcc-pki/x509";
import type { RevocationReason } from "../api/certificates.ts";
import type { OcspAnswer, OcspStatus } from "../api/ocsp.ts";
import { known, timestamp } from "./values.ts";

const STATUS_TO_JSON = {
  [CertificateStatus.GOOD]: "good",
  [CertificateStatus.REVOKED]: "revoked",
  [CertificateStatus.UNKNOWN]: "unknown",
  [CertificateStatus.UNSPECIFIED]: undefined,
  [CertificateStatus.UNRECOGNIZED]: undefined,
} as const satisfies Record<CertificateStatus, OcspStatus | undefined>;

/** The names of RFC 5280 section 5.3.1 in the roadmap's spelling. */
const REASON_TO_JSON = {
  unspecified: "unspecified",
  keyCompromise: "key_compromise",
  cACompromise: "ca_compromise",
  affiliationChanged: "affiliation_changed",
  superseded: "superseded",
  cessationOfOperation: "cessation_of_operation",
  certificateHold: "certificate_hold",
  removeFromCRL: "remove_from_crl",
  privilegeWithdrawn: "privilege_withdrawn",
  aACompromise: "aa_compromise",
} as const satisfies Record<StandardReason, RevocationReason>;

const isStandardReason = (reason: string): reason is StandardReason => Object.hasOwn(REASON_TO_JSON, reason);

export function ocspStatusToJson(authorityId: string, serialHex: string, answer: GetStatusResponse): OcspAnswer {
  const { status, revokedAt, reason, notAfter, asOf } = answer;
  const revocation = {
    revoked_at: timestamp(revokedAt),
    revocation_reason: isStandardReason(reason) ? REASON_TO_JSON[reason] : "unspecified",
  } as const;
  return {
    ca_id: authorityId,
    serial_number: serialHex,
    status: known(STATUS_TO_JSON[status], "status"),
    ...(status === CertificateStatus.REVOKED ? revocation : {}),
    expires_at: timestamp(notAfter),
    as_of: timestamp(asOf),
  };
}
