import { describe, expect, it } from "vitest";
import { requireCaller } from "./callers.ts";
import { parseSpiffeId } from "./index.ts";

const ca = "spiffe://vcc.internal/pki/ca";
const gateway = "spiffe://vcc.internal/pki/gateway";
const argus = "spiffe://vcc.internal/org/vcc/service/argus";
const fakeCa = "spiffe://vcc.internal/org/vcc/service/ca";
const operator = "spiffe://vcc.internal/org/vcc/admin/operator";

describe("caller rules", () => {
  it.each([
    [["ca"], [ca]],
    [
      ["ca", "gateway"],
      [ca, gateway],
    ],
    [["any-suite"], [ca, gateway]],
    [["any-workload"], [argus, fakeCa]],
    [["any-admin"], [operator]],
    [["anyone"], [ca, gateway, argus, fakeCa, operator]],
    [["constructor"], []],
    [[], []],
  ])("%j admits %j and nobody else", (rules, admitted) => {
    for (const uri of [ca, gateway, argus, fakeCa, operator]) {
      const attempt = () => requireCaller(rules, parseSpiffeId(uri));
      if (admitted.includes(uri)) expect(attempt).not.toThrow();
      else expect(attempt).toThrow(expect.objectContaining({ code: "CALLER_NOT_ALLOWED" }));
    }
  });
});
