import type { CertIdHash } from "@vcc-pki/x509";

/** Hashes of CertIDs that answers can be signed ahead for; the position is their number in the database. */
export const HASHES: readonly CertIdHash[] = ["sha1", "sha256"];

/** RFC 5280 section 5.3.1. */
export const CERTIFICATE_HOLD = 6;

/** What the ca says about one certificate. */
export interface Status {
  readonly notAfterMs: number;
  readonly revocation: Revocation | undefined;
}

export interface Revocation {
  readonly revokedAtMs: number;
  /** CRLReason by number. */
  readonly reason: number;
}

/** Which certificate, by the number of its issuer here and the content octets of its serial number's INTEGER. */
export interface CertificateName {
  readonly issuer: number;
  readonly serial: Uint8Array;
}

/** A certificate as it is stored. */
export interface StoredCertificate extends CertificateName, Status {
  /** Its row. */
  readonly certificate: number;
}

/** The signature over an answer. Times in whole seconds since 1970, as answers carry them. */
export interface SignedAnswer {
  readonly responder: number;
  readonly thisUpdate: number;
  readonly nextUpdate: number;
  readonly signature: Uint8Array;
}

export const toSeconds = (ms: number): number => Math.floor(ms / 1_000);
