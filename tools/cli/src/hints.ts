import type { ErrorCode } from "@vcc-pki/errors";

/** What to do next, where we know. */
const HINTS: Partial<Record<ErrorCode, string>> = {
  APPROVAL_REQUIRED:
    "custodians decide with: vcc-pki approval sign ID --key FILE --custodian ID; it goes on by itself then",
  ALREADY_EXISTS: "it exists already; see the matching `list` command",
  AMBIGUOUS: "several certificates have this serial number; use the id that `vcc-pki cert list` shows",
  AUTHORITY_NOT_ACTIVE: "see its state with: vcc-pki ca list",
  CALLER_NOT_ALLOWED: "this needs an administrator's certificate from the Admin CA (--cert, --key)",
  CALLER_UNAUTHENTICATED: "check your certificate with: vcc-pki config; a new one comes from another administrator",
  CALLER_REVOKED: "your certificate is revoked; ask another administrator for a new one",
  CSR_CONTENT_NOT_ALLOWED: "only the key and names are taken from a request; make it with --name, or drop the extras",
  KEY_WEAK: "use ec-p256 or at least RSA 3072 (--key-algorithm)",
  NAME_NOT_ALLOWED: "see the names the organisation may use: vcc-pki org list",
  NOT_FOUND: "it may belong to another organisation: --organisation ID",
  PEER_UNAVAILABLE: "is the suite running? see: ./pki status",
  PROFILE_UNKNOWN: "see what there is: vcc-pki profile list",
  PROFILE_NOT_ALLOWED: "see which authorities and profiles the organisation may use: vcc-pki profile list",
  RATE_LIMITED: "wait a moment and repeat",
  REQUEST_ID_REUSED: "the request id was used with other content; leave --request-id away",
};

export const hintFor = (code: ErrorCode): string | undefined => HINTS[code];
