import { z } from "zod";
import { ApprovalId, Timestamp } from "./fields.ts";

export const APPROVAL_STATUSES = ["pending", "executed", "refused", "expired"] as const;
export const DECISIONS = ["approve", "refuse"] as const;

export const Approval = z
  .object({
    approval_id: z.string(),
    status: z.enum(APPROVAL_STATUSES),
    canonical_request: z.base64().describe("RFC 8785 JSON; what custodians sign begins with vcc-pki-approval-v1"),
    payload: z.base64().describe("The structure that will be signed; its SHA-256 is in canonical_request"),
    payload_type: z.string(),
    threshold: z.int(),
    decisions: z.array(
      z.object({ custodian_id: z.string(), decision: z.enum(DECISIONS), decided_at: Timestamp.optional() }),
    ),
    requester: z.string(),
    created_at: Timestamp,
    expires_at: Timestamp,
  })
  .meta({ id: "Approval" });
export type Approval = z.infer<typeof Approval>;

export const ApprovalList = z.object({ approvals: z.array(Approval) }).meta({ id: "ApprovalList" });

export const ApprovalListQuery = z.strictObject({ status: z.enum(APPROVAL_STATUSES).optional() });

export const ApprovalParams = z.strictObject({ id: ApprovalId });

export const ApprovalDecision = z
  .strictObject({
    custodian_id: z.string().regex(/^[A-Za-z0-9._-]{1,64}$/, "letters, digits, '.', '_' and '-'"),
    decision: z.enum(DECISIONS),
    signature: z.base64().min(1).max(2048).describe("DER ECDSA P-256 or raw Ed25519, by the custodian's key"),
  })
  .meta({ id: "ApprovalDecision" });
export type ApprovalDecision = z.infer<typeof ApprovalDecision>;
