import { z } from "zod";
import { RevocationReason } from "./certificates.ts";
import { AuthorityId, CertificateId, Timestamp } from "./fields.ts";

/** `<ca_id>:<serial>`: a serial number alone does not say whose it is. */
const WholeCertificateId = CertificateId.regex(/:/, "<ca_id>:<serial>").describe("<ca_id>:<serial>");
const SerialNumber = z
  .string()
  .regex(/^([0-9a-fA-F]{2}){1,20}$/, "a serial number in hex")
  .describe("Hex");

/** A certificate named in one of three ways. */
export const OcspQuestion = z
  .union([
    z.strictObject({ certificate: z.string().min(1).max(32_768).describe("The certificate, PEM") }),
    z.strictObject({ cert_id: WholeCertificateId }),
    z.strictObject({ ca_id: AuthorityId, serial_number: SerialNumber }),
  ])
  .meta({ id: "OcspQuestion" });
export type OcspQuestion = z.infer<typeof OcspQuestion>;

export const OCSP_STATUSES = ["good", "revoked", "unknown"] as const;
export const OcspStatus = z.enum(OCSP_STATUSES).describe("unknown: this authority has issued no such certificate");
export type OcspStatus = z.infer<typeof OcspStatus>;

export const OcspAnswer = z
  .object({
    ca_id: z.string(),
    serial_number: z.string().describe("Hex, lower case"),
    status: OcspStatus,
    revoked_at: Timestamp.optional(),
    revocation_reason: RevocationReason.optional(),
    expires_at: Timestamp.optional(),
    as_of: Timestamp.optional().describe("Until when everything is known"),
  })
  .meta({ id: "OcspAnswer" });
export type OcspAnswer = z.infer<typeof OcspAnswer>;
