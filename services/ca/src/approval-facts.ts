import { event } from "@vcc-pki/events";
import type { OutboxEvent } from "@vcc-pki/store";
import type { Authorities } from "./authorities.ts";

// The hsm-gateway, where custodians decide, has no bus: whoever asked for their approval tells of it.

/** What an operation waits for: the approval of custodians over the key of `signedBy`. */
export interface AwaitedApproval {
  readonly organisation: string;
  readonly operation: "authority.create" | "crl.sign";
  readonly approvalId: string;
  /** The authority whose key signs. */
  readonly signedBy: string;
}

/** `expiresAt` as the hsm-gateway's refusal gives it. */
export function approvalRequested(
  { organisation, operation, approvalId, signedBy }: AwaitedApproval,
  expiresAt: string,
  authorities: Authorities,
): OutboxEvent {
  const { keyId, quorumThreshold } = authorities.find(signedBy) ?? {};
  const required = Math.max(1, quorumThreshold ?? 1);
  return event("pki.approval.requested.v1", organisation, { approvalId, operation, keyId, required, expiresAt });
}

export const approvalGranted = ({ organisation, operation, approvalId }: AwaitedApproval): OutboxEvent =>
  event("pki.approval.granted.v1", organisation, { approvalId, operation });

/** `code` says whether they refused or did not agree in time. */
export const approvalRefused = ({ organisation, operation, approvalId }: AwaitedApproval, code: string): OutboxEvent =>
  event("pki.approval.refused.v1", organisation, { approvalId, operation, code });

export const isRefusedApproval = (code: string): boolean => code === "APPROVAL_REFUSED" || code === "APPROVAL_EXPIRED";
