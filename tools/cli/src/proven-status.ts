import type { Certificate, RevocationReason } from "@vcc-pki/x509";

/** The status of a certificate, and who says so. */
export interface ProvenStatus {
  readonly source: "ocsp" | "crl";
  readonly url: string;
  readonly status: "good" | "revoked" | "unknown";
  readonly revokedAt?: Date;
  readonly reason?: RevocationReason;
  readonly thisUpdate: Date;
  readonly nextUpdate: Date | undefined;
  /** Whose signature it is. */
  readonly signer: Certificate;
}
