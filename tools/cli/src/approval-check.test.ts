import { hash } from "node:crypto";
import type { Approval } from "@vcc-pki/gateway/api";
import { createTestHierarchy } from "@vcc-pki/testkit/hierarchy";
import { describe, expect, it } from "vitest";
import { checkApproval } from "./approval-check.ts";

const now = new Date("2026-11-01T00:00:00Z");
const { issuing, root } = createTestHierarchy();
const payload = issuing.certificate.tbsDer;

const request = {
  approvalId: "a-1",
  caller: "spiffe://vcc.internal/pki/ca",
  expiresAt: "2026-11-02T00:00:00.000Z",
  keyId: "0a0b",
  nonce: "00".repeat(16),
  operation: "sign",
  organisation: "vcc",
  payloadSha256: hash("sha256", payload, "hex"),
  payloadType: "tbs-certificate",
  requestId: "r-1",
  requester: "spiffe://vcc.internal/org/vcc/admin/operator",
  signatureAlgorithm: "ecdsa-p384-sha384",
};

const approval = (canonical: string | object = request, more: Partial<Approval> = {}): Approval => ({
  approval_id: "a-1",
  status: "pending",
  canonical_request: Buffer.from(typeof canonical === "string" ? canonical : JSON.stringify(canonical)).toString(
    "base64",
  ),
  payload: Buffer.from(payload).toString("base64"),
  payload_type: "tbs-certificate",
  threshold: 2,
  decisions: [],
  requester: request.requester,
  created_at: now.toISOString(),
  expires_at: request.expiresAt,
  ...more,
});

describe("what a custodian is shown", () => {
  it("is what the octets say and what the payload holds", () => {
    const { entries, canonicalRequest } = checkApproval(approval(), now);
    const shown = new Map(entries);
    expect(shown.get("operation")).toBe("sign");
    expect(shown.get("requested by")).toBe(request.requester);
    expect(shown.get("subject")).toContain("CN=Test Issuing CA");
    expect(Buffer.from(canonicalRequest).toString()).toBe(JSON.stringify(request));
  });

  it("comes from nothing the server merely says", () => {
    const lies = {
      requester: "spiffe://vcc.internal/org/vcc/admin/somebody-else",
      payload_type: "tbs-cert-list",
      threshold: 0,
    };
    const shown = new Map(checkApproval(approval(request, lies), now).entries);
    expect(shown.get("requested by")).toBe(request.requester);
    expect(shown.get("to be signed")).toBe("tbs-certificate");
  });
});

describe("a custodian is not asked to sign", () => {
  const other = Buffer.from(root.certificate.tbsDer).toString("base64");
  const { nonce: _, ...incomplete } = request;
  const text = JSON.stringify(request);
  it.each([
    ["a payload that is not the requested one", approval(request, { payload: other }), "APPROVAL_INVALID"],
    ["no payload", approval(request, { payload: "" }), "APPROVAL_INVALID"],
    ["a request for another approval", approval({ ...request, approvalId: "a-2" }), "APPROVAL_INVALID"],
    ["a request without nonce", approval(incomplete), "APPROVAL_INVALID"],
    ["a request with something more", approval({ ...request, zzz: "x" }), "APPROVAL_INVALID"],
    ["a request whose value is no text", approval({ ...request, nonce: 1 }), "APPROVAL_INVALID"],
    ["a request with a name twice", approval(text.replace("{", '{"approvalId":"a-0",')), "APPROVAL_INVALID"],
    ["a request with other spelling", approval(text.replace("{", "{ ")), "APPROVAL_INVALID"],
    [
      "a request in another order",
      approval(Object.fromEntries(Object.entries(request).toReversed())),
      "APPROVAL_INVALID",
    ],
    ["what is no JSON", approval("approve me"), "APPROVAL_INVALID"],
    ["what is no object", approval("null"), "APPROVAL_INVALID"],
    ["what has expired", approval({ ...request, expiresAt: now.toISOString() }), "APPROVAL_EXPIRED"],
    ["what never expires", approval({ ...request, expiresAt: "never" }), "APPROVAL_INVALID"],
    ["a CRL that is a certificate", approval({ ...request, payloadType: "tbs-cert-list" }), "CRL_MALFORMED"],
  ])("%s", (_what, given, code) => {
    expect(() => checkApproval(given, now)).toThrow(expect.objectContaining({ code }));
  });
});
