import { z } from "zod";
import { CertificateId, ProfileId, Scope, Timestamp } from "./fields.ts";

export const LifecycleState = z.enum([
  ...["issued", "active", "expiring", "renewing", "renewed", "revoked", "expired", "suspended"],
] as const);
export type LifecycleState = z.infer<typeof LifecycleState>;

export const ManagedCertificate = z
  .object({
    cert_id: z.string(),
    organisation: z.string(),
    ca_id: z.string(),
    serial_number: z.string().describe("Hex"),
    profile: z.string(),
    profile_version: z.int(),
    key_algorithm: z.string(),
    public_key_sha256: z.string().describe("Of the SubjectPublicKeyInfo, hex"),
    subject: z.string().describe("Who it is of: its URI, or its names"),
    dns_names: z.array(z.string()),
    requester: z.string().describe("SPIFFE URI of who asked for it"),
    issued_at: Timestamp,
    not_before: Timestamp,
    not_after: Timestamp,
    renew_at: Timestamp.describe("When it should be renewed"),
    state: LifecycleState,
    predecessor: z.string().optional().describe("The certificate that it took over from; the first when absent"),
    revocation_reason: z.string().optional(),
  })
  .meta({ id: "ManagedCertificate" });
export type ManagedCertificate = z.infer<typeof ManagedCertificate>;

export const CertificateChange = z
  .object({
    change: z
      .string()
      .describe("issued, served, due, told, succeeded, replaced, outlived, revoked, held, released, ended"),
    from: LifecycleState.optional(),
    to: LifecycleState,
    reason: z.string(),
    actor: z.string().describe("SPIFFE URI of who did it"),
    at: Timestamp,
  })
  .meta({ id: "CertificateChange" });
export type CertificateChange = z.infer<typeof CertificateChange>;

export const CertificateHistory = z
  .object({
    certificates: z
      .array(z.object({ certificate: ManagedCertificate, changes: z.array(CertificateChange) }))
      .describe("Those before it, itself, and those after it: the oldest first"),
  })
  .meta({ id: "CertificateHistory" });
export type CertificateHistory = z.infer<typeof CertificateHistory>;

export const HistoryParams = z.strictObject({ cert_id: CertificateId });

export const ManagedQuery = Scope.extend({
  state: LifecycleState.optional(),
  profile: ProfileId.optional(),
  expires_before: Timestamp.optional(),
  page_size: z.coerce.number().int().min(1).max(1_000).optional(),
  page_token: z.string().max(200).optional(),
});

export const ManagedList = z
  .object({
    certificates: z.array(ManagedCertificate).describe("What ends first comes first"),
    next_page_token: z.string().optional(),
  })
  .meta({ id: "ManagedList" });
export type ManagedList = z.infer<typeof ManagedList>;

export const ReportQuery = Scope.extend({
  from: Timestamp.optional().describe("Inclusive; thirty days before the end when absent"),
  until: Timestamp.optional().describe("Exclusive; now when absent"),
});

const count = z.int();

export const LifecycleReport = z
  .object({
    organisation: z.string(),
    from: Timestamp,
    until: Timestamp,
    made_at: Timestamp,
    profiles: z.array(
      z.object({
        profile: z.string(),
        issued: count,
        succeeding: count.describe("Of the issued, those that took over from another"),
        renewed: count.describe("A successor came into use, or was issued in time"),
        revoked: count,
        suspended: count,
        expired: count.describe("Ended without a successor"),
      }),
    ),
    mean_replacement_seconds: z.number().optional().describe("From a successor's issuance until it was seen in use"),
    renewal_rate: z.number().optional().describe("Of what was renewed or ended, the part that was renewed; 0 to 1"),
    states: z.record(z.string(), count).describe("Certificates by state, now"),
    upcoming: z.array(z.object({ from: Timestamp, until: Timestamp, ending: count })).describe("The next twelve weeks"),
    ended_without_successor: z.array(ManagedCertificate).describe("The newest hundred"),
  })
  .meta({ id: "LifecycleReport" });
export type LifecycleReport = z.infer<typeof LifecycleReport>;
