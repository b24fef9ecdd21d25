import { z } from "zod";
import { AuthorityId, OrganisationId, Timestamp } from "./fields.ts";

export const ISOLATION_LEVELS = ["strict", "collaborative", "federated"] as const;
export const DATA_SHARING_LEVELS = ["none", "metadata_only", "full"] as const;

/** The roadmap's tenant_isolation_policies. */
export const IsolationPolicy = z
  .strictObject({
    service_access_matrix: z
      .record(z.string().max(100), z.array(z.string().max(100)).max(1000))
      .describe("Service to the services it may call"),
    data_sharing_level: z.enum(DATA_SHARING_LEVELS),
    cross_tenant_auth: z.boolean(),
  })
  .meta({ id: "IsolationPolicy" });
export type IsolationPolicy = z.infer<typeof IsolationPolicy>;

export const Organisation = z
  .object({
    org_id: z.string(),
    org_name: z.string(),
    isolation_level: z.enum(ISOLATION_LEVELS),
    allowed_names: z.array(z.string()).describe("Exact DNS names, or *.suffix for any name below it"),
    allowed_networks: z.array(z.string()).describe("Networks whose addresses may stand in certificates, CIDR"),
    admin_contact: z.string(),
    isolation_policy: IsolationPolicy.optional(),
    created_at: Timestamp,
  })
  .meta({ id: "Organisation" });
export type Organisation = z.infer<typeof Organisation>;

export const OrganisationList = z.object({ organisations: z.array(Organisation) }).meta({ id: "OrganisationList" });

export const OrganisationCreation = z
  .strictObject({
    org_id: OrganisationId,
    org_name: z.string().min(1).max(64),
    isolation_level: z.enum(ISOLATION_LEVELS).optional().describe("strict when absent"),
    allowed_names: z.array(z.string().min(1).max(255)).max(1000).optional(),
    allowed_networks: z.array(z.string().min(1).max(50)).max(1000).optional(),
    admin_contact: z.string().max(254).optional(),
    isolation_policy: IsolationPolicy.optional(),
    ca_ids: z.array(AuthorityId).max(100).optional().describe("The operator's authorities it may use"),
  })
  .meta({ id: "OrganisationCreation" });
export type OrganisationCreation = z.infer<typeof OrganisationCreation>;

export const OrganisationParams = z.strictObject({ org_id: OrganisationId });

const AdminIdentity = z.string().min(1).max(300).describe("SPIFFE URI of a person");

/** A person of another organisation who may administer this one. */
export const Membership = z
  .object({ org_id: z.string(), identity: z.string(), expires_at: Timestamp.optional() })
  .meta({ id: "Membership" });
export type Membership = z.infer<typeof Membership>;

export const MembershipGrant = z
  .strictObject({ identity: AdminIdentity, expires_at: Timestamp.optional().describe("Until revoked when absent") })
  .meta({ id: "MembershipGrant" });
export type MembershipGrant = z.infer<typeof MembershipGrant>;

export const MembershipRevocation = z.strictObject({ identity: AdminIdentity }).meta({ id: "MembershipRevocation" });
