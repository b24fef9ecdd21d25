import { type KeyObject, sign } from "node:crypto";

/** What custodians agree to, as JSON in the canonical form of RFC 8785. Every value is text. */
export interface ApprovalRequest {
  readonly approvalId: string;
  /** "sign", "destroy-key" or "replace-custodians". */
  readonly operation: string;
  readonly organisation: string;
  readonly keyId: string;
  readonly signatureAlgorithm: string;
  readonly payloadType: string;
  /** Lower-case hex. */
  readonly payloadSha256: string;
  /** SPIFFE URIs: the person on whose behalf, and the service that asks. */
  readonly requester: string;
  readonly caller: string;
  readonly requestId: string;
  /** 128 random bits in hex: no two requests are the same octets. */
  readonly nonce: string;
  /** RFC 3339, UTC. */
  readonly expiresAt: string;
}

export type ApprovalDecision = "approve" | "refuse";

/** The octets a custodian signs: "vcc-pki-approval-v1\n", the decision, "\n", and the canonical request as the gateway gave it. */
export function approvalMessage(canonicalRequest: Uint8Array, decision: ApprovalDecision): Uint8Array {
  return new Uint8Array(Buffer.concat([Buffer.from(`vcc-pki-approval-v1\n${decision}\n`), canonicalRequest]));
}

/** A custodian's signature: ECDSA with SHA-256 in DER for a P-256 key, or Ed25519. */
export function signDecision(
  privateKey: KeyObject,
  canonicalRequest: Uint8Array,
  decision: ApprovalDecision,
): Uint8Array {
  const isEdwards = privateKey.asymmetricKeyType === "ed25519";
  return new Uint8Array(sign(isEdwards ? null : "sha256", approvalMessage(canonicalRequest, decision), privateKey));
}
