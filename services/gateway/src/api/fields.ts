import { z } from "zod";

/** Fields that several resources share. The patterns are those of the ca; the gateway refuses early what can never be right. */

export const OrganisationId = z
  .string()
  .regex(/^[a-z][a-z0-9-]{1,38}[a-z0-9]$/, "3 to 40 lower-case letters, digits and hyphens")
  .describe("Organisation, e.g. brandenburg");

export const AuthorityId = z
  .string()
  .regex(/^[a-z][a-z0-9-]{1,62}[a-z0-9]$/, "3 to 64 lower-case letters, digits and hyphens")
  .describe("Certificate authority, e.g. vcc-services-ca");

export const CertificateId = z
  .string()
  .min(1)
  .max(120)
  .regex(/^([a-z][a-z0-9-]*:)?([0-9a-fA-F]{2}){1,20}$/, "a certificate id (<ca_id>:<serial>) or a serial number in hex")
  .describe("Certificate id, <ca_id>:<serial>, or a serial number in hex");

export const ProfileId = z
  .string()
  .regex(/^[a-z][a-z0-9_-]{0,63}$/, "lower-case letters, digits, _ and -")
  .describe("Certificate profile, e.g. mtls_service");

export const ApprovalId = z
  .string()
  .regex(/^[A-Za-z0-9_-]{1,64}$/, "letters, digits, _ and -")
  .describe("Approval that custodians decide on");

/** RFC 3339, UTC. */
export const Timestamp = z.iso.datetime().describe("RFC 3339, UTC");

/** Which organisation the request is for. Membership is checked by the ca, not here. */
export const Scope = z.strictObject({
  organisation: OrganisationId.optional().describe("Organisation acted for; the requester's own when absent"),
});
export type Scope = z.infer<typeof Scope>;

/** For what takes no parameters. */
export const NoQuery = z.strictObject({});

/** Repeats of a write with the same key and content return the first answer (draft-ietf-httpapi-idempotency-key-header). */
export const IdempotencyHeaders = z.looseObject({
  "idempotency-key": z
    .string()
    .regex(/^"?[A-Za-z0-9._:-]{1,64}"?$/, "1 to 64 letters, digits, '.', '_', ':' and '-'")
    .optional()
    .describe("Repeats with the same key and content return the first answer"),
});
