import { ApprovalState, Decision, type Approval as ProtoApproval } from "@vcc-pki/proto/hsm";
import type { Approval, ApprovalDecision } from "../api/approvals.ts";
import { known, requiredTimestamp, timestamp } from "./values.ts";

const STATUS_TO_PROTO = {
  pending: ApprovalState.PENDING,
  executed: ApprovalState.EXECUTED,
  refused: ApprovalState.REFUSED,
  expired: ApprovalState.EXPIRED,
} as const satisfies Record<Approval["status"], ApprovalState>;

const STATUS_TO_JSON = {
  [ApprovalState.PENDING]: "pending",
  [ApprovalState.EXECUTED]: "executed",
  [ApprovalState.REFUSED]: "refused",
  [ApprovalState.EXPIRED]: "expired",
  [ApprovalState.UNSPECIFIED]: undefined,
  [ApprovalState.UNRECOGNIZED]: undefined,
} as const satisfies Record<ApprovalState, Approval["status"] | undefined>;

const DECISION_TO_PROTO = {
  approve: Decision.APPROVE,
  refuse: Decision.REFUSE,
} as const satisfies Record<ApprovalDecision["decision"], Decision>;

const DECISION_TO_JSON = {
  [Decision.APPROVE]: "approve",
  [Decision.REFUSE]: "refuse",
  [Decision.UNSPECIFIED]: undefined,
  [Decision.UNRECOGNIZED]: undefined,
} as const satisfies Record<Decision, ApprovalDecision["decision"] | undefined>;

export const approvalStatusToProto = (status: Approval["status"] | undefined): ApprovalState =>
  status === undefined ? ApprovalState.UNSPECIFIED : STATUS_TO_PROTO[status];

export const decisionToProto = (decision: ApprovalDecision["decision"]): Decision => DECISION_TO_PROTO[decision];

export function approvalToJson(approval: ProtoApproval): Approval {
  return {
    approval_id: approval.approvalId,
    status: known(STATUS_TO_JSON[approval.state], "state"),
    canonical_request: Buffer.from(approval.canonicalRequest).toString("base64"),
    payload: Buffer.from(approval.payload).toString("base64"),
    payload_type: approval.payloadType,
    threshold: approval.threshold,
    decisions: approval.decisions.map((made) => ({
      custodian_id: made.custodianId,
      decision: known(DECISION_TO_JSON[made.decision], "decision"),
      decided_at: timestamp(made.decidedAt),
    })),
    requester: approval.requester,
    created_at: requiredTimestamp(approval.createdAt, "created_at"),
    expires_at: requiredTimestamp(approval.expiresAt, "expires_at"),
  };
}
