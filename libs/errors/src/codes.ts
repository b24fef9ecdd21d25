/** Status codes of gRPC by name (grpc/grpc doc/statuscodes.md). Numbers here, so that no one needs grpc-js to know them. */
export const GRPC_STATUS = {
  CANCELLED: 1,
  UNKNOWN: 2,
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  NOT_FOUND: 5,
  ALREADY_EXISTS: 6,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  FAILED_PRECONDITION: 9,
  ABORTED: 10,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
  UNAUTHENTICATED: 16,
} as const;

export interface ErrorRow {
  /** Status between services. */
  readonly grpc: number;
  /** Status at the REST door. */
  readonly http: number;
  /** Whether the same request may succeed later, unchanged. */
  readonly retry: boolean;
}

const { INVALID_ARGUMENT, NOT_FOUND, ALREADY_EXISTS, PERMISSION_DENIED, UNAUTHENTICATED } = GRPC_STATUS;
const { FAILED_PRECONDITION, RESOURCE_EXHAUSTED, UNAVAILABLE, DEADLINE_EXCEEDED, INTERNAL } = GRPC_STATUS;

/** Every way in which a request can be refused or fail. The code is the contract; the message is for people. */
export const ERRORS = {
  // The request itself.
  REQUEST_MALFORMED: { grpc: INVALID_ARGUMENT, http: 400, retry: false },
  REQUEST_TOO_LARGE: { grpc: RESOURCE_EXHAUSTED, http: 413, retry: false },
  REQUEST_ID_REUSED: { grpc: ALREADY_EXISTS, http: 409, retry: false },
  MEDIA_TYPE_NOT_SUPPORTED: { grpc: INVALID_ARGUMENT, http: 415, retry: false },
  RATE_LIMITED: { grpc: RESOURCE_EXHAUSTED, http: 429, retry: true },
  NOT_FOUND: { grpc: NOT_FOUND, http: 404, retry: false },
  ALREADY_EXISTS: { grpc: ALREADY_EXISTS, http: 409, retry: false },
  VERSION_CONFLICT: { grpc: FAILED_PRECONDITION, http: 409, retry: false },
  AMBIGUOUS: { grpc: FAILED_PRECONDITION, http: 409, retry: false },
  METHOD_UNKNOWN: { grpc: GRPC_STATUS.UNIMPLEMENTED, http: 404, retry: false },

  // Who asks.
  CALLER_UNAUTHENTICATED: { grpc: UNAUTHENTICATED, http: 401, retry: false },
  CALLER_NOT_ALLOWED: { grpc: PERMISSION_DENIED, http: 403, retry: false },
  CALLER_REVOKED: { grpc: UNAUTHENTICATED, http: 401, retry: false },

  // Enrolment: who has no certificate yet.
  ENROLMENT_REFUSED: { grpc: PERMISSION_DENIED, http: 403, retry: false },
  ENROLMENT_TOKEN_INVALID: { grpc: PERMISSION_DENIED, http: 403, retry: false },
  ENROLMENT_TOKEN_EXPIRED: { grpc: PERMISSION_DENIED, http: 403, retry: false },
  ENROLMENT_TOKEN_USED: { grpc: PERMISSION_DENIED, http: 403, retry: false },

  // Whom services may call.
  MATRIX_INVALID: { grpc: INVALID_ARGUMENT, http: 422, retry: false },

  // Encodings.
  DER_MALFORMED: { grpc: INVALID_ARGUMENT, http: 400, retry: false },
  CERTIFICATE_MALFORMED: { grpc: INVALID_ARGUMENT, http: 400, retry: false },
  CRL_MALFORMED: { grpc: INVALID_ARGUMENT, http: 400, retry: false },
  CSR_MALFORMED: { grpc: INVALID_ARGUMENT, http: 400, retry: false },
  SIGNATURE_INVALID: { grpc: INVALID_ARGUMENT, http: 400, retry: false },
  STATUS_NOT_PROVEN: { grpc: FAILED_PRECONDITION, http: 422, retry: true },

  // Policy on what is asked for.
  CSR_SIGNATURE_INVALID: { grpc: INVALID_ARGUMENT, http: 400, retry: false },
  CSR_CONTENT_NOT_ALLOWED: { grpc: INVALID_ARGUMENT, http: 400, retry: false },
  ALGORITHM_NOT_ALLOWED: { grpc: INVALID_ARGUMENT, http: 400, retry: false },
  KEY_WEAK: { grpc: INVALID_ARGUMENT, http: 400, retry: false },
  KEY_NOT_ALLOWED: { grpc: INVALID_ARGUMENT, http: 400, retry: false },
  NAME_MALFORMED: { grpc: INVALID_ARGUMENT, http: 400, retry: false },
  NAME_NOT_ALLOWED: { grpc: PERMISSION_DENIED, http: 403, retry: false },
  PROFILE_UNKNOWN: { grpc: NOT_FOUND, http: 404, retry: false },
  PROFILE_NOT_ALLOWED: { grpc: PERMISSION_DENIED, http: 403, retry: false },
  VALIDITY_NOT_ALLOWED: { grpc: INVALID_ARGUMENT, http: 400, retry: false },
  LINT_FAILED: { grpc: FAILED_PRECONDITION, http: 422, retry: false },
  AUTHORITY_NOT_ACTIVE: { grpc: FAILED_PRECONDITION, http: 409, retry: false },
  CERTIFICATE_NOT_REVOCABLE: { grpc: FAILED_PRECONDITION, http: 409, retry: false },
  CERTIFICATE_NOT_ON_HOLD: { grpc: FAILED_PRECONDITION, http: 409, retry: false },
  REVOCATION_REASON_NOT_ALLOWED: { grpc: INVALID_ARGUMENT, http: 400, retry: false },

  // Keys and quorum.
  KEY_NOT_ACTIVE: { grpc: FAILED_PRECONDITION, http: 409, retry: false },
  KEY_POLICY_INVALID: { grpc: INVALID_ARGUMENT, http: 400, retry: false },
  PAYLOAD_NOT_ADMITTED: { grpc: PERMISSION_DENIED, http: 403, retry: false },
  APPROVAL_REQUIRED: { grpc: FAILED_PRECONDITION, http: 202, retry: true },
  APPROVAL_REFUSED: { grpc: PERMISSION_DENIED, http: 403, retry: false },
  APPROVAL_EXPIRED: { grpc: FAILED_PRECONDITION, http: 409, retry: false },
  APPROVAL_INVALID: { grpc: INVALID_ARGUMENT, http: 400, retry: false },
  REGISTRATION_CLOSED: { grpc: FAILED_PRECONDITION, http: 409, retry: false },

  // Artefacts: what is said of them, and what is on disk.
  FILE_NOT_REGULAR: { grpc: INVALID_ARGUMENT, http: 400, retry: false },
  FILE_UNREADABLE: { grpc: FAILED_PRECONDITION, http: 409, retry: false },
  FILE_MALFORMED: { grpc: INVALID_ARGUMENT, http: 400, retry: false },
  MANIFEST_MALFORMED: { grpc: INVALID_ARGUMENT, http: 400, retry: false },
  SIGNING_NOT_ALLOWED: { grpc: PERMISSION_DENIED, http: 403, retry: false },
  ARTEFACT_NOT_ADMITTED: { grpc: FAILED_PRECONDITION, http: 422, retry: false },
  ARTEFACT_RECALLED: { grpc: FAILED_PRECONDITION, http: 422, retry: false },
  STATEMENT_MALFORMED: { grpc: INVALID_ARGUMENT, http: 400, retry: false },
  BUNDLE_MALFORMED: { grpc: INVALID_ARGUMENT, http: 400, retry: false },
  RECALL_LIST_MALFORMED: { grpc: INVALID_ARGUMENT, http: 400, retry: false },
  ARTEFACT_MALFORMED: { grpc: INVALID_ARGUMENT, http: 400, retry: false },
  ARTEFACT_REFUSED: { grpc: PERMISSION_DENIED, http: 403, retry: false },
  FILE_CHANGED: { grpc: FAILED_PRECONDITION, http: 409, retry: true },

  // Targets of probes.
  PROBE_REFUSED: { grpc: PERMISSION_DENIED, http: 403, retry: false },
  // A certificate on its way into a service.
  SERVER_NOT_TRUSTED: { grpc: FAILED_PRECONDITION, http: 403, retry: false },
  CLOCK_WRONG: { grpc: FAILED_PRECONDITION, http: 409, retry: true },
  FILE_NOT_WRITTEN: { grpc: FAILED_PRECONDITION, http: 409, retry: true },
  RELOAD_FAILED: { grpc: FAILED_PRECONDITION, http: 409, retry: true },
  CERTIFICATE_NOT_SERVED: { grpc: FAILED_PRECONDITION, http: 409, retry: true },

  // What we lean on.
  HSM_UNAVAILABLE: { grpc: UNAVAILABLE, http: 503, retry: true },
  HSM_PIN_WRONG: { grpc: FAILED_PRECONDITION, http: 503, retry: false },
  STORE_UNAVAILABLE: { grpc: UNAVAILABLE, http: 503, retry: true },
  AUDIT_CHAIN_BROKEN: { grpc: INTERNAL, http: 500, retry: false },
  PEER_UNAVAILABLE: { grpc: UNAVAILABLE, http: 503, retry: true },
  TIME_NOT_AVAILABLE: { grpc: UNAVAILABLE, http: 503, retry: true },
  DEADLINE_EXCEEDED: { grpc: DEADLINE_EXCEEDED, http: 504, retry: true },
  CONFIG_INVALID: { grpc: FAILED_PRECONDITION, http: 500, retry: false },
  INTERNAL: { grpc: INTERNAL, http: 500, retry: false },
} as const satisfies Record<string, ErrorRow>;

export type ErrorCode = keyof typeof ERRORS;

export const isErrorCode = (text: string): text is ErrorCode => Object.hasOwn(ERRORS, text);
