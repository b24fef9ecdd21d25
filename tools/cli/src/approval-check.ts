import { hash } from "node:crypto";
import { PkiError } from "@vcc-pki/errors";
import type { Approval } from "@vcc-pki/gateway/api";
import type { ApprovalRequest } from "@vcc-pki/signer";
import { describePayload, type Entries } from "./payload-text.ts";

/** A request that a custodian may look at and sign: what is shown is what the signed octets say. */
export interface CheckedApproval {
  readonly request: ApprovalRequest;
  /** The octets to sign over, as they were received. */
  readonly canonicalRequest: Uint8Array;
  readonly entries: Entries;
}

const FIELDS: readonly (keyof ApprovalRequest)[] = [
  ...(["approvalId", "caller", "expiresAt", "keyId", "nonce", "operation", "organisation"] as const),
  ...(["payloadSha256", "payloadType", "requestId", "requester", "signatureAlgorithm"] as const),
];

/** Checks what a server sent before anybody relies on it: the octets are the canonical form of a request for this approval, and the
 *  payload is the one whose digest they carry. Everything that is shown comes from those octets or from that payload, nothing
 *  from the server's own words. Throws APPROVAL_INVALID, APPROVAL_EXPIRED, and what `describePayload` throws. */
export function checkApproval(approval: Approval, now: Date): CheckedApproval {
  const canonicalRequest = new Uint8Array(Buffer.from(approval.canonical_request, "base64"));
  const payload = new Uint8Array(Buffer.from(approval.payload, "base64"));
  const request = parseCanonical(canonicalRequest);
  if (request.approvalId !== approval.approval_id) throw invalid("the request is for another approval");
  if (request.payloadSha256 !== hash("sha256", payload, "hex")) throw invalid("the payload is not the one requested");
  const expiresAt = new Date(request.expiresAt);
  if (Number.isNaN(expiresAt.getTime())) throw invalid("the request has no expiry");
  if (expiresAt <= now) throw new PkiError("APPROVAL_EXPIRED", "it is too late to decide");
  const entries: Entries = [
    ["approval", request.approvalId],
    ["operation", request.operation],
    ["organisation", request.organisation],
    ["with key", [request.keyId, request.signatureAlgorithm].filter(Boolean).join(", ")],
    ["requested by", request.requester],
    ["through", request.caller],
    ["expires", request.expiresAt],
    ...describePayload(request.payloadType, payload),
  ];
  return { request, canonicalRequest, entries };
}

/** RFC 8785 of an object of texts: names in order, no space, nothing twice. Anything else could be read in two ways. */
function parseCanonical(octets: Uint8Array): ApprovalRequest {
  const request = parseJson(octets);
  const canonical = JSON.stringify(Object.fromEntries(FIELDS.map((name) => [name, request[name]])));
  if (!FIELDS.every((name) => typeof request[name] === "string")) throw invalid("the request is incomplete");
  if (Buffer.compare(Buffer.from(canonical), octets) !== 0) throw invalid("the request is not in canonical form");
  return request as unknown as ApprovalRequest;
}

function parseJson(octets: Uint8Array): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(octets));
    if (typeof value === "object" && value !== null) return value as Record<string, unknown>;
  } catch (cause) {
    throw invalid("the request is not JSON", cause);
  }
  throw invalid("the request is not an object");
}

const invalid = (why: string, cause?: unknown): PkiError => new PkiError("APPROVAL_INVALID", why, { cause });
