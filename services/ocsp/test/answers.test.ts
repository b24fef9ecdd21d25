import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ask, prove } from "./client.ts";
import { AUTHORITY, newOcsp, type OcspHarness } from "./harness.ts";

let suite: OcspHarness;
beforeAll(async () => {
  suite = await newOcsp();
});
afterAll(() => suite.close());

describe("an answer", () => {
  it("is good for what was issued, and revoked once it is revoked", async () => {
    const issuer = await suite.authority(AUTHORITY);
    const certificate = await suite.issue();
    await suite.ocsp.refresh();
    const good = await ask(suite.url, issuer, certificate.serial);
    expect(prove(good, issuer, certificate.serial, suite.clock.now()).response.status).toBe("good");

    await suite.revoke(certificate);
    await suite.ocsp.pull();
    const revoked = await ask(suite.url, issuer, certificate.serial);
    expect(prove(revoked, issuer, certificate.serial, suite.clock.now()).response).toMatchObject({
      status: "revoked",
      reason: "keyCompromise",
    });
  });
});
