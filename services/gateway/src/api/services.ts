import { z } from "zod";
import { CertificateId, OrganisationId, ProfileId, Scope, Timestamp } from "./fields.ts";

export const SERVICE_STATES = [
  ...(["discovered", "pending_approval", "pending_cert", "active", "unreachable", "inactive"] as const),
] as const;

export const ServiceName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9._-]{0,62}$/, "1 to 63 of: small letters, digits, '.', '_', '-'")
  .describe("The <service> of its identity, spiffe://<trust domain>/org/<organisation>/service/<service>");

const DnsNames = z.array(z.string().min(1).max(253)).max(50);
const IpAddresses = z.array(z.string().min(2).max(45)).max(20);
export const EnrolledNames = { dns_names: DnsNames.optional(), ip_addresses: IpAddresses.optional() };

/** What is said of a service. */
const registered = {
  type: z.string().max(63).optional().describe('What kind of service it is: "covina"'),
  description: z.string().max(500).optional(),
  owner: z.string().max(200).optional().describe("For people: a team or an address"),
  endpoints: z.array(z.string().min(1).max(500)).max(20).optional().describe("Absolute URLs"),
  health_url: z.string().max(500).optional(),
  health_dialect: z.string().max(40).optional().describe("How its health is read; see deploy/policies/services.yaml"),
  dns_names: DnsNames.optional().describe("Names its certificate may carry, beside its SPIFFE id"),
  ip_addresses: IpAddresses.optional(),
  profile: ProfileId.optional().describe("mtls_service when absent"),
  depends_on: z.array(ServiceName).max(100).optional().describe("Services that it says it calls"),
  managed_by: z
    .union([z.literal(""), ServiceName])
    .optional()
    .describe("The service whose agent looks after it, too"),
};

export const ServiceRegistration = z.strictObject({ service: ServiceName, ...registered }).meta({
  id: "ServiceRegistration",
});
export type ServiceRegistration = z.infer<typeof ServiceRegistration>;

export const ServiceUpdate = z
  .strictObject({
    ...registered,
    version: z.int().min(1).optional().describe("The one that is replaced; another one is refused"),
  })
  .meta({ id: "ServiceUpdate" });

export const ServiceParams = z.strictObject({ service: ServiceName });

export const ServiceListQuery = Scope.extend({
  status: z.enum(SERVICE_STATES).optional(),
  type: z.string().min(1).max(63).optional(),
  page_size: z.coerce.number().int().min(1).max(1_000).optional().describe("100 when absent"),
  page_token: z.string().max(200).optional(),
});

export const Service = z
  .object({
    organisation: OrganisationId,
    service: z.string(),
    type: z.string(),
    description: z.string(),
    owner: z.string(),
    endpoints: z.array(z.string()),
    health_url: z.string().optional(),
    health_dialect: z.string(),
    dns_names: z.array(z.string()),
    ip_addresses: z.array(z.string()),
    profile: z.string(),
    depends_on: z.array(z.string()),
    managed_by: z.string().optional(),
    status: z.enum(SERVICE_STATES),
    status_reason: z.string(),
    source: z.string().describe("What brought it here: administrator, enrolment, or the name of a source"),
    certificate: z
      .object({
        cert_id: CertificateId,
        serial_number: z.string(),
        profile: z.string(),
        not_before: Timestamp,
        not_after: Timestamp,
        served_at: Timestamp.optional().describe("When the service was seen serving it"),
        revoked_at: Timestamp.optional(),
      })
      .optional(),
    approved_by: z.string().optional(),
    approved_at: Timestamp.optional(),
    registered_at: Timestamp,
    changed_at: Timestamp,
    seen_at: Timestamp.optional(),
    version: z.int(),
  })
  .meta({ id: "Service" });
export type Service = z.infer<typeof Service>;

export const ServiceList = z
  .object({ services: z.array(Service).describe("By name"), next_page_token: z.string().optional() })
  .meta({ id: "ServiceList" });

export const DependencyList = z
  .object({
    dependencies: z.array(
      z.object({
        source: z.string(),
        target_organisation: z.string(),
        target: z.string(),
        declared: z.boolean().describe("The source says so (depends_on)"),
        allowed_calls: z.int().describe("Decisions that services have asked for"),
        denied_calls: z.int(),
        observed_at: Timestamp.optional().describe("Absent: never"),
      }),
    ),
  })
  .meta({ id: "DependencyList" });
export type DependencyList = z.infer<typeof DependencyList>;

export const ServiceHistory = z
  .object({
    changes: z
      .array(
        z.object({
          change: z.string(),
          from_status: z.enum(SERVICE_STATES).optional(),
          to_status: z.enum(SERVICE_STATES),
          reason: z.string(),
          actor: z.string(),
          at: Timestamp,
        }),
      )
      .describe("Newest first, a thousand at most"),
  })
  .meta({ id: "ServiceHistory" });
export type ServiceHistory = z.infer<typeof ServiceHistory>;
