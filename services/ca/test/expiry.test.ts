import { randomUUID } from "node:crypto";
import { RevocationReason } from "@vcc-pki/proto/ca";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type CaHarness, newCa } from "./harness.ts";

let suite: CaHarness;
beforeAll(async () => {
  suite = await newCa();
});
afterAll(() => suite.close());

const DAY_MS = 86_400_000;

/** What was told about a certificate, in order. */
const told = (certificateId = "") =>
  suite.store.outbox
    .pending(10_000)
    .map(({ type, data }) => ({ type, data: data as { certificateId?: string; threshold?: string } }))
    .filter(({ type, data }) => data.certificateId === certificateId && /\.expir/.test(type))
    .map(({ type, data }) => data.threshold ?? type);

/** Lets time pass in steps of an hour. */
async function pass(days: number): Promise<void> {
  for (let hour = 0; hour < days * 24; hour++) {
    suite.clock.advance(DAY_MS / 24);
    await suite.ca.sweep();
  }
}

describe("expiry", () => {
  it("of a long life is announced 30, 14, 7 and 1 days ahead and told at the end, each once", async () => {
    const { certificate } = await suite.issue();
    await pass(91);
    expect(told(certificate?.certificateId)).toEqual(["30d", "14d", "7d", "1d", "pki.certificate.expired.v1"]);
    await pass(1);
    expect(told(certificate?.certificateId)).toHaveLength(5);
  });

  it("of a short life is announced at fractions of it", async () => {
    const { certificate } = await suite.issue({ profile: "mtls_service_short" });
    for (let minutes = 0; minutes < 25 * 60; minutes += 5) {
      suite.clock.advance(300_000);
      await suite.ca.sweep();
    }
    expect(told(certificate?.certificateId)).toEqual(["1/3", "14/90", "7/90", "1/90", "pki.certificate.expired.v1"]);
  });

  it("that nobody watched is told once, as it stands", async () => {
    const { certificate } = await suite.issue();
    suite.clock.advance(80 * DAY_MS);
    await suite.restart();
    await suite.ca.sweep();
    expect(told(certificate?.certificateId)).toEqual(["14d"]);
    suite.clock.advance(20 * DAY_MS);
    await suite.ca.sweep();
    expect(told(certificate?.certificateId)).toEqual(["14d", "pki.certificate.expired.v1"]);
  });

  it("of what was revoked is nobody's concern", async () => {
    const { certificate } = await suite.issue();
    await suite.as().certificates.revoke({
      ...{ requestId: randomUUID(), organisation: "brandenburg", certificateId: certificate?.certificateId ?? "" },
      ...{ reason: RevocationReason.SUPERSEDED, invalidityDate: undefined },
    });
    suite.clock.advance(100 * DAY_MS);
    await suite.ca.sweep();
    expect(told(certificate?.certificateId)).toEqual([]);
  });

  it("comes in batches when there is much of it", async () => {
    const issued = await Promise.all(Array.from({ length: 450 }, () => suite.issue({ profile: "mtls_service_short" })));
    suite.clock.advance(2 * DAY_MS);
    expect(await suite.ca.sweep()).toBe(450);
    expect(told(issued[449]?.certificate?.certificateId)).toEqual(["pki.certificate.expired.v1"]);
  });
});
