import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type CaHarness, newCa } from "./harness.ts";

let suite: CaHarness;
beforeAll(async () => {
  suite = await newCa();
});
afterAll(() => suite.close());

describe("issuance", () => {
  it("gives a certificate with its chain", async () => {
    const { certificate, chainDer } = await suite.issue();
    expect(certificate?.dnsNames).toEqual(["argus.vcc.internal"]);
    expect(chainDer).toHaveLength(2);
  });
});
