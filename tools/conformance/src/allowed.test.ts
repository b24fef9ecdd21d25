import { describe, expect, it } from "vitest";
import { ALLOWED, allowedFindings } from "./allowed.ts";

const entry = {
  judge: "zlint",
  finding: "w_x",
  kind: "crl",
  label: "^empty",
  says: "spiffe",
  reason: "because",
} as const;
const isAllowed = (judge: string, kind: "crl" | "certificate", label: string) =>
  allowedFindings(judge, { kind, label }, [entry])("w_x", "spiffe://a");

describe("allowed findings", () => {
  it("hold for one judge, one kind, one label and one complaint", () => {
    expect(isAllowed("zlint", "crl", "empty CRL")).toBe(true);
    expect(isAllowed("pkilint", "crl", "empty CRL")).toBe(false);
    expect(isAllowed("zlint", "certificate", "empty CRL")).toBe(false);
    expect(isAllowed("zlint", "crl", "full CRL")).toBe(false);
    expect(allowedFindings("zlint", { kind: "crl", label: "empty" }, [entry])("w_y", "spiffe://a")).toBe(false);
    expect(allowedFindings("zlint", { kind: "crl", label: "empty" }, [entry])("w_x", "http://a")).toBe(false);
  });

  it.each(ALLOWED)("$judge $finding has a reason", ({ reason }) => expect(reason.length).toBeGreaterThan(40));
});
