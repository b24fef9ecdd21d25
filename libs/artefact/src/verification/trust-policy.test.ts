import { describe, expect, it } from "vitest";
import { matchesIdentity, parseTrustPolicy } from "../index.ts";

const policy = {
  issuers: [`sha256:${"a".repeat(64)}`],
  identities: ["spiffe://vcc.internal/org/brandenburg/service/*"],
  organisation: "brandenburg",
  types: ["lora_adapter"],
};

describe("a trust policy", () => {
  it("asks for proof that nobody was revoked, unless it says otherwise", () => {
    expect(parseTrustPolicy(policy).revocation).toBe("required");
  });

  it.each<[string, object]>([
    ["no issuers", { issuers: undefined }],
    ["an empty list of issuers", { issuers: [] }],
    ["a name for an issuer", { issuers: ["CN=VCC Code Signing CA"] }],
    ["no identities", { identities: [] }],
    ["everybody", { identities: ["*"] }],
    ["every trust domain", { identities: ["spiffe://*/org/brandenburg/service/a"] }],
    ["a part of a part", { identities: ["spiffe://vcc.internal/org/bra*/service/a"] }],
    ["no organisation", { organisation: undefined }],
    ["no types", { types: [] }],
    ["an unknown type", { types: ["anything"] }],
    ["an unknown key", { allowUnsigned: true }],
    ["a policy of time stamps that is no OID", { timeStampPolicies: ["any"] }],
  ])("is refused with %s", (_, change) => {
    const refused = expect.objectContaining({ code: "CONFIG_INVALID" });
    expect(() => parseTrustPolicy({ ...policy, ...change })).toThrow(refused);
  });
});

it.each([
  ["spiffe://vcc.internal/org/a-b/service/x", "spiffe://vcc.internal/org/a-b/service/x", true],
  ["spiffe://vcc.internal/org/*/service/x", "spiffe://vcc.internal/org/a-b/service/x", true],
  ["spiffe://vcc.internal/org/a-b/service/*", "spiffe://vcc.internal/org/a-b/service/x/y", false],
  ["spiffe://vcc.internal/org/a-b/service/*", "spiffe://vcc.internal/org/a-b/service", false],
  ["spiffe://vcc.internal/org/a-b/service/x", "spiffe://vcc.internal/org/a-b/service/xx", false],
  ["spiffe://vcc.internal/org/*/service/x", "spiffe://vcc.internal/org/a-b/admin/x", false],
  ["spiffe://vcc.internal/*/*/*/*", "spiffe://other.internal/org/a-b/service/x", false],
])("the pattern %s and %s: %s", (pattern, uri, expected) => {
  expect(matchesIdentity(pattern, uri)).toBe(expected);
});
