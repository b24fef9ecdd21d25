import { randomUUID } from "node:crypto";
import { RevocationReason } from "@vcc-pki/proto/ca";
import { parseCertificateList } from "@vcc-pki/x509";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { AUTHORITY, entryOf, type Issued, type Lists, newLists } from "./lists.ts";

let lists: Lists;
let suite: Lists["suite"];
beforeAll(async () => {
  lists = await newLists();
  suite = lists.suite;
});
afterAll(() => lists.close());

describe("a revocation", () => {
  it("is at once on a full and a delta list of one number, and OpenSSL takes either", async () => {
    const [good, bad] = [await lists.administrator(), await lists.administrator()];
    const before = await lists.get();
    const invalidityDate = new Date("2026-11-20T00:00:00Z");
    await lists.revoke(bad, RevocationReason.KEY_COMPROMISE, { invalidityDate });
    await lists.chores();
    const [full, delta] = await lists.both();
    expect(delta.crlNumber).toBe(full.crlNumber);
    expect(delta.known.deltaCrlIndicator).toBe(parseCertificateList(before).crlNumber);
    for (const crl of [full, delta])
      expect(entryOf(crl, bad)).toMatchObject({ reason: "keyCompromise", invalidityDate });
    expect(delta.revokedCount).toBe(1);

    expect(await lists.judge(bad, before)).toBe("OK");
    expect(await lists.judge(bad, before, delta.der)).toBe("certificate revoked");
    expect(await lists.judge(bad, full.der, delta.der)).toBe("certificate revoked");
    expect(await lists.judge(good, before, delta.der)).toBe("OK");
    expect(await lists.judge(good, full.der, delta.der)).toBe("OK");
  });

  it("is on a delta list as well when somebody has a full list signed at that moment", async () => {
    const [bad, before] = [await lists.administrator(), await lists.get()];
    await lists.revoke(bad);
    await suite.as().crls.publish({ requestId: randomUUID(), organisation: "vcc", authorityId: AUTHORITY, ahead: 0 });
    await lists.chores();
    const [full, delta] = await lists.both();
    expect(entryOf(full, bad)).toBeDefined();
    expect(full.crlNumber).toBe(delta.crlNumber);
    expect(await lists.judge(bad, before, delta.der)).toBe("certificate revoked");
  });

  it("is told by the delta list to everyone whose full list has not ended", async () => {
    const fulls = [await lists.get()];
    const revoked: Issued[] = [];
    for (let hour = 0; hour < 3; hour++) {
      const bad = await lists.administrator();
      revoked.push(bad);
      await lists.revoke(bad);
      suite.clock.advance(3_600_000);
      await suite.ca.runChores();
      fulls.push(await lists.get());
    }
    const delta = await lists.get({ delta: true });
    for (const full of fulls)
      for (const bad of revoked) expect(await lists.judge(bad, full, delta)).toBe("certificate revoked");
  });

  it("of an authority's OCSP responder is on no list that is about authorities", async () => {
    const authorityId = "vcc-external-orgs-ca";
    const responder = await suite.as("ocsp", undefined).certificates.issue({
      ...{ requestId: randomUUID(), organisation: "", profile: "ocsp_responder", authorityId, validitySeconds: 0 },
      csrDer: suite.csr({}),
    });
    await lists.revoke(responder);
    const request = { requestId: randomUUID(), organisation: "vcc", authorityId, ahead: 0 };
    await suite.as().crls.publish(request);
    expect((await lists.list({ authorityId })).revokedCount).toBe(0);
  });
});

describe("a hold", () => {
  it("is on the delta list, then taken off by it, then gone", async () => {
    const held = await lists.administrator();
    const before = await lists.get();
    await lists.hold(held);
    await lists.chores();
    const [full, delta] = await lists.both();
    for (const crl of [full, delta]) expect(entryOf(crl, held)?.reason).toBe("certificateHold");
    expect(await lists.judge(held, before, delta.der)).toBe("certificate revoked");

    await lists.release(held);
    await lists.chores();
    const [freed, freeing] = await lists.both();
    expect(entryOf(freed, held)).toBeUndefined();
    expect(entryOf(freeing, held)?.reason).toBe("removeFromCRL");
    expect(await lists.judge(held, full.der)).toBe("certificate revoked");
    expect(await lists.judge(held, full.der, freeing.der)).toBe("OK");
    expect(await lists.judge(held, freed.der, freeing.der)).toBe("OK");
    expect(await lists.judge(held, before, freeing.der)).toBe("OK");

    for (let hour = 0; hour < 6; hour++) {
      suite.clock.advance(3_600_000);
      await suite.ca.runChores();
    }
    for (const crl of await lists.both()) expect(entryOf(crl, held)).toBeUndefined();
  });

  it("that is ended and begun again before a list is signed is a hold", async () => {
    const held = await lists.administrator();
    await lists.hold(held);
    await lists.release(held);
    await lists.hold(held);
    await lists.chores();
    for (const crl of await lists.both()) expect(entryOf(crl, held)?.reason).toBe("certificateHold");
  });

  it("that becomes a revocation for good keeps its date", async () => {
    const held = await lists.administrator();
    await lists.hold(held);
    const began = suite.clock.now();
    await lists.chores();
    suite.clock.advance(60_000);
    await lists.revoke(held, RevocationReason.CESSATION_OF_OPERATION);
    await lists.chores();
    for (const crl of await lists.both())
      expect(entryOf(crl, held)).toMatchObject({ reason: "cessationOfOperation", revocationDate: began });
  });
});
