import { z } from "zod";
import { OrganisationId, Timestamp } from "./fields.ts";

export const VERDICTS = [
  ...(["ours", "foreign", "expired", "wrong_name", "self_signed", "revoked", "invalid", "plaintext"] as const),
  "unreachable",
] as const;

export const Verdict = z
  .enum(VERDICTS)
  .describe(
    "What is served: ours and valid, somebody else's, expired, for another name, by its own key, revoked, ours and not acceptable, no TLS, nobody",
  );

export const ServedCertificate = z
  .object({
    sha256: z.string().describe("Fingerprint"),
    subject: z.string(),
    issuer: z.string(),
    serial_number: z.string().describe("Hexadecimal"),
    not_before: Timestamp,
    not_after: Timestamp,
    key_algorithm: z.string().describe("ec-p256, rsa-2048"),
    signature_algorithm: z.string(),
    san_dns: z.array(z.string()),
    san_ip: z.array(z.string()),
    san_uri: z.array(z.string()),
    first_seen_at: Timestamp,
    last_seen_at: Timestamp,
    certificate: z.string().optional().describe("PEM; not in lists"),
  })
  .meta({ id: "ServedCertificate" });

export const InventoryEndpoint = z
  .object({
    organization_id: z.string(),
    endpoint: z.string().describe("covina.vcc.internal:45678, [fd00::7]:443"),
    service: z.string().optional().describe("Absent: nobody knows whose it is"),
    verdict: Verdict,
    reason: z.string().describe("A stable word: otherIssuer, revokedByStaple, refused"),
    detail: z.string().describe("For people"),
    is_ours: z.boolean().describe("Signed by this PKI, good or not"),
    address: z.string().optional().describe("Where it was connected to"),
    tls_version: z.string().optional(),
    cipher: z.string().optional(),
    stapled_ocsp: z.enum(["none", "good", "revoked", "unknown", "invalid"]),
    chain: z.array(ServedCertificate).describe("The server's certificate first; in lists that one alone"),
    health: z.enum(["healthy", "degraded", "unhealthy", "unknown"]).optional().describe("Absent: it was not asked"),
    health_reason: z.string().optional(),
    source: z.string().describe("registry, configuration, dns, kubernetes, docker, sweep, probe"),
    first_seen_at: Timestamp,
    last_seen_at: Timestamp.describe("When it last answered"),
    probed_at: Timestamp,
    changed_at: Timestamp.describe("When its verdict or certificate last changed"),
  })
  .meta({ id: "InventoryEndpoint" });

export const InventoryQuery = z.strictObject({
  organisation: OrganisationId.optional().describe("Organisation acted for; the requester's own when absent"),
  verdict: Verdict.optional(),
  service: z.string().min(1).max(63).optional(),
  expires_before: Timestamp.optional(),
  page_size: z.coerce.number().int().min(1).max(1_000).optional().describe("100 when absent"),
  page_token: z.string().min(1).max(300).optional(),
});

export const Inventory = z
  .object({ endpoints: z.array(InventoryEndpoint), next_page_token: z.string().optional() })
  .meta({ id: "Inventory" });

export const EndpointParams = z.strictObject({
  endpoint: z.string().min(3).max(300).describe("As lists have it, host:port"),
});

export const EndpointHistory = z
  .object({
    endpoint: InventoryEndpoint,
    changes: z
      .array(
        z.object({
          at: Timestamp,
          from_verdict: Verdict.optional().describe("Absent: it was not known before"),
          to_verdict: Verdict,
          reason: z.string(),
          sha256: z.string().optional().describe("Of the server's certificate"),
        }),
      )
      .describe("Newest first"),
  })
  .meta({ id: "EndpointHistory" });

export const ProbeRequest = z
  .strictObject({
    host: z.string().min(1).max(253).describe("Host name or address, IPv6 without brackets"),
    port: z.int().min(1).max(65_535),
    name: z
      .string()
      .min(1)
      .max(253)
      .optional()
      .describe("For whom its certificate should be; a host name's own when absent"),
    health_path: z.string().min(1).max(256).optional().describe("Asked for after the handshake"),
    health_dialect: z.enum(["auto", "status", "ready", "components", "http"]).optional(),
  })
  .meta({ id: "ProbeRequest" });

export const SweepRequest = z
  .strictObject({
    networks: z.array(z.string().max(64)).min(1).max(64).describe("CIDR notation, within those that are allowed"),
    ports: z.array(z.int().min(1).max(65_535)).max(100).optional().describe("All that are allowed when absent"),
  })
  .meta({ id: "SweepRequest" });

export const Sweep = z
  .object({
    sweep_id: z.string(),
    organization_id: z.string(),
    networks: z.array(z.string()),
    ports: z.array(z.number()),
    total: z.number().describe("Addresses times ports"),
    probed: z.number(),
    found: z.number().describe("Those that answered"),
    refused: z.number().describe("Guarded addresses, which nothing was sent to"),
    verdicts: z.partialRecord(Verdict, z.number()),
    started_at: Timestamp,
    ended_at: Timestamp.optional().describe("Absent: it goes on"),
  })
  .meta({ id: "Sweep" });

export const SweepParams = z.strictObject({
  sweep_id: z.union([z.literal("newest"), z.uuid()]).describe('As it was answered, or "newest"'),
});

export type Verdict = z.infer<typeof Verdict>;
export type ServedCertificate = z.infer<typeof ServedCertificate>;
export type InventoryEndpoint = z.infer<typeof InventoryEndpoint>;
export type Inventory = z.infer<typeof Inventory>;
export type EndpointHistory = z.infer<typeof EndpointHistory>;
export type ProbeRequest = z.infer<typeof ProbeRequest>;
export type SweepRequest = z.infer<typeof SweepRequest>;
export type Sweep = z.infer<typeof Sweep>;
