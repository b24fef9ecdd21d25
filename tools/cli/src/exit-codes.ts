import type { ErrorCode } from "@vcc-pki/errors";

/** What a script may rely on. Printed by `vcc-pki --help`. */
export const EXIT = {
  ok: 0,
  failed: 1,
  usage: 2,
  refused: 3,
  notFound: 4,
  unavailable: 5,
  approvalRequired: 6,
  conflict: 7,
  notIdentified: 8,
  revoked: 10,
  unknown: 11,
  interrupted: 130,
} as const;

export type Exit = (typeof EXIT)[keyof typeof EXIT];

export const EXIT_HELP = `
Exit codes:
  0    done
  1    failed for a reason of the suite's own
  2    wrong usage; nothing was sent
  3    refused: malformed, not proven (tsa verify: a check fails; matrix check: denied), or against policy; the same will be refused again
  4    there is no such thing, or it is not yours to see
  5    not reachable, or not able to answer now; try again
  6    waits for custodians (see: vcc-pki approval list)
  7    conflicts with what exists, or with a request of the same id
  8    your certificate is missing, expired, revoked or not an administrator's
  10   status: the certificate is revoked, or on hold
  11   status: its authority has issued no such certificate
  130  interrupted
`;

const { refused, notFound, unavailable, conflict, notIdentified, failed } = EXIT;

const EXIT_OF = {
  REQUEST_MALFORMED: refused,
  REQUEST_TOO_LARGE: refused,
  REQUEST_ID_REUSED: conflict,
  MEDIA_TYPE_NOT_SUPPORTED: refused,
  RATE_LIMITED: unavailable,
  NOT_FOUND: notFound,
  ALREADY_EXISTS: conflict,
  AMBIGUOUS: conflict,
  METHOD_UNKNOWN: notFound,
  CALLER_UNAUTHENTICATED: notIdentified,
  CALLER_NOT_ALLOWED: notIdentified,
  CALLER_REVOKED: notIdentified,
  DER_MALFORMED: refused,
  CERTIFICATE_MALFORMED: refused,
  CRL_MALFORMED: refused,
  CSR_MALFORMED: refused,
  SIGNATURE_INVALID: refused,
  STATUS_NOT_PROVEN: refused,
  CSR_SIGNATURE_INVALID: refused,
  CSR_CONTENT_NOT_ALLOWED: refused,
  ALGORITHM_NOT_ALLOWED: refused,
  KEY_WEAK: refused,
  KEY_NOT_ALLOWED: refused,
  NAME_MALFORMED: refused,
  NAME_NOT_ALLOWED: refused,
  PROFILE_UNKNOWN: notFound,
  PROFILE_NOT_ALLOWED: refused,
  VALIDITY_NOT_ALLOWED: refused,
  LINT_FAILED: refused,
  AUTHORITY_NOT_ACTIVE: refused,
  CERTIFICATE_NOT_REVOCABLE: refused,
  CERTIFICATE_NOT_ON_HOLD: refused,
  REVOCATION_REASON_NOT_ALLOWED: refused,
  KEY_NOT_ACTIVE: refused,
  KEY_POLICY_INVALID: refused,
  PAYLOAD_NOT_ADMITTED: refused,
  APPROVAL_REQUIRED: EXIT.approvalRequired,
  APPROVAL_REFUSED: refused,
  APPROVAL_EXPIRED: refused,
  APPROVAL_INVALID: refused,
  VERSION_CONFLICT: conflict,
  MATRIX_INVALID: refused,
  ENROLMENT_REFUSED: refused,
  ENROLMENT_TOKEN_INVALID: refused,
  ENROLMENT_TOKEN_EXPIRED: refused,
  ENROLMENT_TOKEN_USED: refused,
  ARTEFACT_MALFORMED: refused,
  STATEMENT_MALFORMED: refused,
  BUNDLE_MALFORMED: refused,
  RECALL_LIST_MALFORMED: refused,
  MANIFEST_MALFORMED: refused,
  FILE_NOT_REGULAR: refused,
  FILE_UNREADABLE: EXIT.usage,
  FILE_MALFORMED: refused,
  ARTEFACT_REFUSED: refused,
  PROBE_REFUSED: refused,
  SIGNING_NOT_ALLOWED: refused,
  ARTEFACT_NOT_ADMITTED: refused,
  ARTEFACT_RECALLED: refused,
  FILE_CHANGED: conflict,
  SERVER_NOT_TRUSTED: refused,
  CLOCK_WRONG: failed,
  FILE_NOT_WRITTEN: failed,
  RELOAD_FAILED: failed,
  CERTIFICATE_NOT_SERVED: failed,
  HSM_UNAVAILABLE: unavailable,
  HSM_PIN_WRONG: unavailable,
  STORE_UNAVAILABLE: unavailable,
  PEER_UNAVAILABLE: unavailable,
  TIME_NOT_AVAILABLE: unavailable,
  DEADLINE_EXCEEDED: unavailable,
  AUDIT_CHAIN_BROKEN: failed,
  REGISTRATION_CLOSED: refused,
  CONFIG_INVALID: EXIT.usage,
  INTERNAL: failed,
} as const satisfies Record<ErrorCode, Exit>;

export const exitOf = (code: ErrorCode): Exit => EXIT_OF[code];
