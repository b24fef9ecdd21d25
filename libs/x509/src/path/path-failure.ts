import { PkiError } from "@vcc-pki/errors";
import type { Certificate } from "../certificate.ts";

/** Why a path is refused. The words are stable: programs decide by them. */
export type PathReason =
  /** No certificate that we were given carries the issuer's name, but for those that are in the path already. */
  | "noIssuer"
  /** Certificates that carry the issuer's name are there; none of their keys made the signature. */
  | "signatureInvalid"
  /** A signature algorithm that is not in SIGNATURE_SCHEMES. */
  | "algorithmNotAllowed"
  /** A public key that `checkPublicKey` refuses. */
  | "keyNotAllowed"
  /** More certificates than a path may have. */
  | "pathTooLong"
  /** The search was given up; see `PATH_LIMITS`. */
  | "tooManyTries"
  | "notYetValid"
  | "expired"
  /** Breaks a MUST of RFC 5280 section 4. */
  | "malformed"
  | "criticalExtension"
  /** An issuer that is not a CA, or not one for certificates. */
  | "notACa"
  | "pathLength"
  | "nameConstraints"
  | "policy"
  /** Not for the purpose that was asked for. */
  | "purpose"
  | "revoked"
  | "revocationUnknown";

export interface PathFailure {
  readonly reason: PathReason;
  /** For people. */
  readonly message: string;
  /** The certificate that is at fault. */
  readonly certificate: Certificate;
}

/** What is wrong with one certificate, which the caller knows. */
export type Finding = Omit<PathFailure, "certificate">;

const REASON_BY_CODE: Readonly<Record<string, PathReason>> = {
  ALGORITHM_NOT_ALLOWED: "algorithmNotAllowed",
  KEY_WEAK: "keyNotAllowed",
  KEY_NOT_ALLOWED: "keyNotAllowed",
  DER_MALFORMED: "malformed",
};

/** What a refusal of this library says about a certificate. Anything else is thrown again. */
export function findingOf(error: unknown): Finding {
  const reason = error instanceof PkiError ? REASON_BY_CODE[error.code] : undefined;
  if (reason === undefined) throw error;
  return { reason, message: (error as PkiError).message };
}
