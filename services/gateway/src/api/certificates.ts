import { z } from "zod";
import { AuthorityId, CertificateId, ProfileId, Scope, Timestamp } from "./fields.ts";

/** RFC 5280 section 5.3.1, in the roadmap's spelling. */
export const REVOCATION_REASONS = [
  "unspecified",
  "key_compromise",
  "ca_compromise",
  "affiliation_changed",
  "superseded",
  "cessation_of_operation",
  "certificate_hold",
  "remove_from_crl",
  "privilege_withdrawn",
  "aa_compromise",
] as const;
export const RevocationReason = z.enum(REVOCATION_REASONS).describe("RFC 5280 section 5.3.1");
export type RevocationReason = z.infer<typeof RevocationReason>;

export const CERTIFICATE_STATUSES = ["valid", "revoked", "expired"] as const;
export const CertificateStatus = z.enum(CERTIFICATE_STATUSES);
export type CertificateStatus = z.infer<typeof CertificateStatus>;

export const Certificate = z
  .object({
    cert_id: z.string().describe("<issuing_ca_id>:<serial_number>"),
    serial_number: z.string().describe("Hex, lower case"),
    issuing_ca_id: z.string(),
    organization_id: z.string(),
    profile: z.string(),
    profile_version: z.int(),
    subject_dn: z.string().describe("RFC 4514; may be empty"),
    dns_names: z.array(z.string()),
    ip_addresses: z.array(z.string()),
    uris: z.array(z.string()),
    emails: z.array(z.string()),
    key_algorithm: z.string(),
    status: CertificateStatus,
    created_at: Timestamp,
    not_before: Timestamp,
    expires_at: Timestamp.describe("notAfter, inclusive"),
    revoked_at: Timestamp.optional(),
    revocation_reason: RevocationReason.optional(),
    requester: z.string().describe("SPIFFE URI of who asked for it"),
    fingerprint_sha256: z.string().describe("Hex, lower case"),
    certificate_pem: z.string().optional().describe("Absent in lists"),
  })
  .meta({ id: "Certificate" });
export type Certificate = z.infer<typeof Certificate>;

/** A certificate with what a server needs beside its key. */
export const CertificateWithChain = Certificate.extend({
  certificate_pem: z.string(),
  chain_pem: z.string().describe("The certificate, then its issuers, without the root"),
}).meta({ id: "CertificateWithChain" });
export type CertificateWithChain = z.infer<typeof CertificateWithChain>;

export const CertificateParams = z.strictObject({ cert_id: CertificateId });

const MAX_VALIDITY_SECONDS = 0xffff_ffff;

const RequestOptions = {
  profile: ProfileId,
  ca_id: AuthorityId.optional().describe("The profile's authority when absent"),
  validity_seconds: z.int().min(1).max(MAX_VALIDITY_SECONDS).optional().describe("Shorter life than the profile's"),
};

/** Raw application/pkcs10: the options travel in the query. */
export const CertificateRequestQuery = Scope.extend({
  profile: RequestOptions.profile.optional(),
  ca_id: RequestOptions.ca_id,
  validity_seconds: z.coerce.number().int().min(1).max(MAX_VALIDITY_SECONDS).optional(),
});

/** JSON: the options and the CSR, PKCS#10 as PEM or as base64 of DER. */
export const CertificateRequest = z
  .strictObject({
    csr: z.string().min(1).describe("PKCS#10: PEM, or base64 of DER; DER at most 64 KiB"),
    ...RequestOptions,
  })
  .meta({ id: "CertificateRequest" });
export type CertificateRequest = z.infer<typeof CertificateRequest>;

export const CertificateListQuery = Scope.extend({
  ca_id: AuthorityId.optional(),
  profile: ProfileId.optional(),
  status: CertificateStatus.optional(),
  name: z
    .string()
    .min(1)
    .max(512)
    .optional()
    .describe("DNS name, IP address, URI or e-mail address; trailing * searches by prefix, leading *. by suffix"),
  expires_before: Timestamp.optional(),
  page_size: z.coerce.number().int().min(1).max(1000).optional().describe("100 when absent"),
  page_token: z.string().min(1).max(1024).optional(),
});
export type CertificateListQuery = z.input<typeof CertificateListQuery>;

export const CertificateList = z
  .object({ certificates: z.array(Certificate), next_page_token: z.string().optional() })
  .meta({ id: "CertificateList" });

export const CertificateRevocation = z
  .strictObject({
    reason: RevocationReason,
    invalidity_date: Timestamp.optional().describe("Since when the key is known or suspected to be compromised"),
  })
  .meta({ id: "CertificateRevocation" });
export type CertificateRevocation = z.infer<typeof CertificateRevocation>;

export const CertificateStatusAnswer = z
  .object({
    cert_id: z.string(),
    status: CertificateStatus,
    revoked_at: Timestamp.optional(),
    revocation_reason: RevocationReason.optional(),
    expires_at: Timestamp,
  })
  .meta({ id: "CertificateStatus" });
export type CertificateStatusAnswer = z.infer<typeof CertificateStatusAnswer>;
