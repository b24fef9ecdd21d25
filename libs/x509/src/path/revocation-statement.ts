import type { Certificate } from "../certificate.ts";
import type { CertificateList } from "../crl.ts";
import type { RevocationReason } from "../crl-entry.ts";
import type { BasicOcspResponse } from "../ocsp/response.ts";

/** Where an answer comes from. */
export type RevocationSource =
  | { readonly kind: "crl"; readonly crl: CertificateList }
  | { readonly kind: "ocsp"; readonly response: BasicOcspResponse; readonly responder: Certificate };

export interface Revocation {
  readonly revocationDate: Date;
  readonly reason: RevocationReason;
  /** Since when the key is known or suspected to be compromised. */
  readonly invalidityDate?: Date | undefined;
}

/** What a list or an OCSP response, whose signature is right, says about one certificate. */
export interface RevocationStatement {
  readonly source: RevocationSource;
  readonly thisUpdate: Date;
  readonly nextUpdate: Date | undefined;
  /** undefined: it is not revoked, as far as this source says. */
  readonly revocation: Revocation | undefined;
  /** Whether this source would say so if the certificate were revoked. */
  readonly isComplete: boolean;
}
