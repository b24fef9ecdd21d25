import { describe, expect, it } from "vitest";
import { checkTrustDomain, parseSpiffeId, suiteId } from "../index.ts";

describe("SPIFFE IDs", () => {
  it.each([
    ["spiffe://vcc.internal/pki/hsm-gateway", { kind: "suite", service: "hsm-gateway" }],
    [
      "spiffe://vcc.internal/org/brandenburg/service/argus",
      { kind: "workload", organisation: "brandenburg", service: "argus" },
    ],
    ["spiffe://vcc.internal/org/vcc/admin/operator", { kind: "admin", organisation: "vcc", id: "operator" }],
  ])("%s is read", (uri, expected) => {
    expect(parseSpiffeId(uri)).toEqual({ uri, ...expected });
  });

  it.each([
    ["another scheme", "https://vcc.internal/pki/ca"],
    ["another trust domain", "spiffe://vcc.example/pki/ca"],
    ["a trust domain that only begins like ours", "spiffe://vcc.internal.example/pki/ca"],
    ["upper case", "spiffe://vcc.internal/PKI/ca"],
    ["an upper-case scheme", "SPIFFE://vcc.internal/pki/ca"],
    ["a port", "spiffe://vcc.internal:8443/pki/ca"],
    ["a user", "spiffe://ca@vcc.internal/pki/ca"],
    ["a query", "spiffe://vcc.internal/pki/ca?x=1"],
    ["a fragment", "spiffe://vcc.internal/pki/ca#x"],
    ["percent-encoding", "spiffe://vcc.internal/pki/c%61"],
    ["a slash at the end", "spiffe://vcc.internal/pki/ca/"],
    ["two slashes", "spiffe://vcc.internal//pki/ca"],
    ["a dot segment", "spiffe://vcc.internal/org/vcc/admin/../../pki/ca"],
    ["a dot as a name", "spiffe://vcc.internal/org/vcc/admin/."],
    ["an unknown kind", "spiffe://vcc.internal/org/vcc/robot/r2"],
    ["a suite service with more to it", "spiffe://vcc.internal/pki/ca/x"],
    ["no path", "spiffe://vcc.internal"],
    ["a line break at the end", "spiffe://vcc.internal/pki/ca\n"],
    ["a null octet", "spiffe://vcc.internal/pki/ca\0"],
    ["nothing", ""],
  ])("refuses %s", (_, uri) => {
    expect(() => parseSpiffeId(uri)).toThrow(expect.objectContaining({ code: "NAME_MALFORMED" }));
  });

  it("belong to the trust domain that is configured", () => {
    expect(suiteId("ca", "pki.example")).toBe("spiffe://pki.example/pki/ca");
    expect(() => parseSpiffeId("spiffe://vcc.internal/pki/ca", "pki.example")).toThrow();
    expect(() => suiteId("../x")).toThrow(expect.objectContaining({ code: "NAME_MALFORMED" }));
    expect(() => checkTrustDomain("Vcc Internal")).toThrow(expect.objectContaining({ code: "CONFIG_INVALID" }));
  });
});
