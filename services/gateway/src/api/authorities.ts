import { z } from "zod";
import { RevocationReason } from "./certificates.ts";
import { AuthorityId, ProfileId, Timestamp } from "./fields.ts";

export const AUTHORITY_STATUSES = ["pending", "active", "revoked", "refused"] as const;

export const Authority = z
  .object({
    ca_id: z.string(),
    organization_id: z.string(),
    parent_ca_id: z.string().optional().describe("Absent for a root"),
    status: z.enum(AUTHORITY_STATUSES).describe("pending: its certificate waits for custodians"),
    subject_dn: z.string(),
    key_algorithm: z.string(),
    not_before: Timestamp.optional(),
    expires_at: Timestamp.optional(),
    profiles: z.array(z.string()),
    approval_id: z.string().optional().describe("While pending"),
    created_at: Timestamp,
    token: z.string().describe("Where the key lives"),
    certificate_pem: z.string().optional().describe("Absent while pending"),
  })
  .meta({ id: "Authority" });
export type Authority = z.infer<typeof Authority>;

export const AuthorityList = z.object({ authorities: z.array(Authority) }).meta({ id: "AuthorityList" });

export const AuthorityParams = z.strictObject({ ca_id: AuthorityId });

const DnsConstraint = z.string().min(1).max(253);

/** An authority below an existing one. Roots are made by the ceremony. */
export const AuthorityCreation = z
  .strictObject({
    ca_id: AuthorityId,
    parent_ca_id: AuthorityId,
    common_name: z.string().min(1).max(64),
    key_algorithm: z.string().min(1).max(40).optional().describe("ec-p384 when absent"),
    validity_days: z.int().min(1).max(36_500).optional().describe("10 years when absent, never beyond the parent"),
    profiles: z.array(ProfileId).max(100).optional().describe("Profiles it may issue"),
    may_issue_authorities: z.boolean().optional(),
    name_constraints: z
      .strictObject({
        permitted_dns: z.array(DnsConstraint).max(1000).optional(),
        excluded_dns: z.array(DnsConstraint).max(1000).optional(),
      })
      .optional(),
    quorum_threshold: z.int().min(0).max(100).optional().describe("Custodians that must approve each signature"),
  })
  .meta({ id: "AuthorityCreation" });
export type AuthorityCreation = z.infer<typeof AuthorityCreation>;

export const AuthorityRevocation = z.strictObject({ reason: RevocationReason }).meta({ id: "AuthorityRevocation" });
