import { z } from "zod";
import { OrganisationId, ProfileId, Scope, Timestamp } from "./fields.ts";
import { EnrolledNames, ServiceName } from "./services.ts";

export const TOKEN_STATES = ["unused", "used", "expired", "revoked"] as const;
export const ENROLMENT_REQUEST_STATES = ["pending", "approved", "refused", "claimed", "expired"] as const;

const Csr = z.string().min(1).max(100_000).describe("PKCS#10, PEM or base64 of DER");
/** Who has no certificate chooses it itself: its repeats find the first answer. */
const RequestId = z
  .string()
  .regex(/^[A-Za-z0-9._:-]{1,64}$/, "1 to 64 letters, digits, '.', '_', ':' and '-'")
  .describe("A repeat with the same content gets the same certificate");
const Sha256Hex = z.string().regex(/^[0-9a-f]{64}$/, "SHA-256 in hex");

export const TokenCreation = z
  .strictObject({
    service: ServiceName,
    ...EnrolledNames,
    profile: ProfileId.optional().describe("That of the registered service when absent, or mtls_service"),
    valid_for_seconds: z.int().min(1).max(86_400).optional().describe("900 when absent"),
    network: z.string().max(50).optional().describe("Where it may be used from, CIDR"),
    spki_sha256: Sha256Hex.optional().describe("Of the SubjectPublicKeyInfo it is for"),
  })
  .meta({ id: "EnrolmentTokenCreation" });
export type TokenCreation = z.infer<typeof TokenCreation>;

export const EnrolmentToken = z
  .object({
    token_id: z.string(),
    organisation: OrganisationId,
    service: z.string(),
    dns_names: z.array(z.string()),
    ip_addresses: z.array(z.string()),
    profile: z.string(),
    network: z.string().optional(),
    spki_sha256: z.string().optional(),
    status: z.enum(TOKEN_STATES),
    created_by: z.string(),
    created_at: Timestamp,
    expires_at: Timestamp,
    used_at: Timestamp.optional(),
  })
  .meta({ id: "EnrolmentToken" });
export type EnrolmentToken = z.infer<typeof EnrolmentToken>;

export const CreatedToken = EnrolmentToken.extend({
  token: z.string().describe("Told this once: vcc-enrol-1.<id>.<secret>"),
}).meta({ id: "CreatedEnrolmentToken" });
export type CreatedToken = z.infer<typeof CreatedToken>;

export const EnrolmentTokenParams = z.strictObject({
  token_id: z.string().regex(/^[A-Za-z0-9_-]{1,64}$/, "a token's id"),
});
export const EnrolmentTokenListQuery = Scope.extend({ service: ServiceName.optional() });
export const EnrolmentTokenList = z.object({ tokens: z.array(EnrolmentToken).describe("Newest first") }).meta({
  id: "EnrolmentTokenList",
});

export const Enrolment = z
  .strictObject({
    attestation: z.discriminatedUnion("kind", [
      z.strictObject({ kind: z.literal("token"), token: z.string().min(1).max(200) }),
      z.strictObject({ kind: z.literal("kubernetes"), token: z.string().min(1).max(16_384) }),
    ]),
    csr: Csr,
    request_id: RequestId,
  })
  .meta({ id: "Enrolment" });

export const EnrolledIdentity = z
  .object({
    organisation: OrganisationId,
    service: z.string(),
    spiffe_id: z.string(),
    certificate_id: z.string(),
    serial_number: z.string().describe("Hex, lower case"),
    chain_pem: z.string().describe("The certificate first, then its issuers, without the root"),
    bundle_pem: z.string().describe("The roots to trust"),
    not_before: Timestamp,
    not_after: Timestamp,
    renew_at: Timestamp.describe("At two thirds of its life"),
    profile: z.string(),
  })
  .meta({ id: "EnrolledIdentity" });
export type EnrolledIdentity = z.infer<typeof EnrolledIdentity>;

export const EnrolmentAsk = z
  .strictObject({ organisation: OrganisationId, service: ServiceName, csr: Csr })
  .meta({ id: "EnrolmentAsk" });

export const EnrolmentPending = z
  .object({
    request_id: z.string(),
    secret: z.string().optional().describe("What claims it; told once, when it is asked for"),
    status: z.enum(["pending"]),
    expires_at: Timestamp.optional(),
  })
  .meta({ id: "EnrolmentPending" });

export const EnrolmentRequestParams = z.strictObject({
  request_id: z.string().regex(/^[A-Za-z0-9_-]{1,64}$/, "a request"),
});
export const EnrolmentClaim = z.strictObject({ secret: z.string().min(1).max(100) }).meta({ id: "EnrolmentClaim" });

export const EnrolmentRequest = z
  .object({
    request_id: z.string(),
    organisation: OrganisationId,
    service: z.string(),
    dns_names: z.array(z.string()),
    ip_addresses: z.array(z.string()),
    spki_sha256: z.string().describe("Of its public key: compare it with what the service's own machine shows"),
    key_algorithm: z.string(),
    peer_address: z.string(),
    status: z.enum(ENROLMENT_REQUEST_STATES),
    profile: z.string().optional(),
    decided_by: z.string().optional(),
    requested_at: Timestamp,
    expires_at: Timestamp,
  })
  .meta({ id: "EnrolmentRequest" });
export type EnrolmentRequest = z.infer<typeof EnrolmentRequest>;

export const EnrolmentRequestListQuery = Scope.extend({ status: z.enum(ENROLMENT_REQUEST_STATES).optional() });
export const EnrolmentRequestList = z
  .object({ requests: z.array(EnrolmentRequest).describe("Newest first") })
  .meta({ id: "EnrolmentRequestList" });

export const EnrolmentDecision = z
  .strictObject({ decision: z.enum(["approve", "refuse"]), profile: ProfileId.optional() })
  .meta({ id: "EnrolmentDecision" });

export const Renewal = z.strictObject({ csr: Csr, request_id: RequestId }).meta({ id: "Renewal" });
export const Provisioning = z
  .strictObject({ service: ServiceName, csr: Csr, request_id: RequestId })
  .meta({ id: "Provisioning" });

export const AGENT_EVENTS = ["deployed", "served", "failed", "bundle_acknowledged"] as const;
export const AgentReport = z
  .strictObject({
    events: z
      .array(
        z.strictObject({
          kind: z.enum(AGENT_EVENTS),
          service: ServiceName.optional().describe("The reporting service when absent"),
          serial_number: z
            .string()
            .regex(/^([0-9a-f]{2}){1,20}$/, "hex, lower case")
            .optional(),
          endpoint: z.string().max(300).optional(),
          detail: z.string().max(500).optional(),
          anchors_sha256: z.array(Sha256Hex).max(20).optional(),
          at: Timestamp,
        }),
      )
      .max(100),
  })
  .meta({ id: "AgentReport" });
export type AgentReport = z.infer<typeof AgentReport>;
