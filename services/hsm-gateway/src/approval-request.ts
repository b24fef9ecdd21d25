import { hash } from "node:crypto";
import { type ApprovalRequest, approvalMessage } from "@vcc-pki/signer";
import {
  defaultSignatureAlgorithm,
  equalBytes,
  isKeyAlgorithmId,
  keyAlgorithmOf,
  verifySignature,
} from "@vcc-pki/x509";
import canonicalize from "canonicalize";
import type { ApprovalRecord, DecisionRecord, Operation } from "./approval-store.ts";
import type { CustodianRecord } from "./custodian-store.ts";

/** The octets that custodians sign, with the decision before them: every fact of the request in RFC 8785 JSON. */
export function buildCanonicalRequest(
  record: Omit<ApprovalRecord, "canonicalRequest" | "state" | "createdAt">,
): Uint8Array {
  const { approvalId, operation, organisation, keyId, signatureAlgorithm, payloadType } = record;
  const { caller, requester, requestId, nonce } = record;
  const request: ApprovalRequest = {
    ...{ approvalId, operation, organisation, keyId, signatureAlgorithm, payloadType, caller, requester, requestId },
    ...{ nonce, payloadSha256: hash("sha256", record.payload), expiresAt: record.expiresAt.toISOString() },
  };
  return new Uint8Array(Buffer.from(canonicalize(request) ?? ""));
}

/** True if this custodian signed this decision on exactly what the record says, payload included: a record that was changed after
 *  the custodian looked at it has no approval. */
export function isDecidedBy(
  { spkiDer }: CustodianRecord,
  record: ApprovalRecord,
  { decision, signature }: Pick<DecisionRecord, "decision" | "signature">,
): boolean {
  if (!equalBytes(buildCanonicalRequest(record), record.canonicalRequest)) return false;
  const keyAlgorithm = keyAlgorithmOf(spkiDer);
  if (!isKeyAlgorithmId(keyAlgorithm)) return false;
  const message = approvalMessage(record.canonicalRequest, decision);
  return verifySignature(spkiDer, defaultSignatureAlgorithm(keyAlgorithm), message, signature);
}

/** True if both ask for the same thing; thresholds follow from it. */
export function isSameOperation(a: Operation, b: Operation): boolean {
  return (
    a.operation === b.operation &&
    a.organisation === b.organisation &&
    a.keyId === b.keyId &&
    a.signatureAlgorithm === b.signatureAlgorithm &&
    a.payloadType === b.payloadType &&
    equalBytes(a.payload, b.payload)
  );
}
