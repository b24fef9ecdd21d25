import { randomUUID } from "node:crypto";
import { AuthorityState } from "@vcc-pki/proto/ca";
import { parseCertificateList } from "@vcc-pki/x509";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { failCommit } from "./faults.ts";
import { type CaHarness, HIERARCHY, newCa } from "./harness.ts";

let suite: CaHarness;
beforeAll(async () => {
  suite = await newCa();
});
afterAll(() => suite.close());

const code = (expected: string) => expect.objectContaining({ code: expected });

const all = <T>(sql: string) => suite.store.db.prepare(sql).all() as T[];
const count = (table: string) => Number(suite.store.db.prepare(`SELECT count(*) FROM ${table}`).pluck().get());

async function plugIn(): Promise<void> {
  suite.hsm.token.plugIn();
  suite.clock.advance(10_000); // the hsm-gateway looks for it again after a while
  await expect.poll(() => suite.hsm.ready()).toEqual({ token: true });
}

/** What must hold whatever happened. */
afterEach(() => {
  const serials = all<{ id: string }>("SELECT authority_id || ':' || hex(serial) AS id FROM certificates");
  const intended = all<{ id: string }>("SELECT authority_id || ':' || hex(serial) AS id FROM issuance_intents");
  const ids = [...serials, ...intended].map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
  suite.store.audit.verify();
  const events = all<{ body: string }>("SELECT body FROM outbox WHERE type = 'pki.certificate.issued.v1'").map(
    ({ body }) => JSON.parse(body).certificateId,
  );
  expect(new Set(events).size).toBe(events.length);
  expect(events.length).toBe(serials.length);
});

const STEPS = [
  ["storing the intent fails", (when) => failCommit(suite.storeFaults, 1, when)],
  ["storing the certificate fails", (when) => failCommit(suite.storeFaults, 2, when)],
  ["the hsm-gateway's ledger fails", (when) => failCommit(suite.hsm.storeFaults, 1, when)],
] as const satisfies [string, (when: "before" | "after") => void][];

describe.each(STEPS)("when %s", (_, fail) => {
  describe.each(["before", "after"] as const)("%s it is stored", (when) => {
    it("the same request id leads to one certificate", async () => {
      const request = { requestId: randomUUID(), csrDer: suite.csr({ dns: ["argus.vcc.internal"] }) };
      const before = count("certificates");
      fail(when);
      await expect(suite.issue(request)).rejects.toThrow(
        expect.objectContaining({ code: expect.stringMatching(/UNAVAILABLE$/) }),
      );
      const intended = all<{ serial: Buffer }>("SELECT serial FROM issuance_intents").map(({ serial }) =>
        serial.toString("hex"),
      );

      const { certificate } = await suite.issue(request);
      expect(count("certificates")).toBe(before + 1);
      expect(count("issuance_intents")).toBe(0);
      if (intended.length > 0) expect(intended).toEqual([certificate?.serialHex]);
      expect((await suite.issue(request)).certificate?.serialHex).toBe(certificate?.serialHex);
    });

    it("a restarted ca finishes what was intended, and nothing else", async () => {
      const request = { requestId: randomUUID(), csrDer: suite.csr({ dns: ["argus.vcc.internal"] }) };
      const before = count("certificates");
      fail(when);
      await expect(suite.issue(request)).rejects.toThrow();
      const expected = before + (all("SELECT serial FROM issuance_intents").length || count("certificates") - before);

      await suite.restart();
      await suite.ca.runChores();
      await expect.poll(() => count("issuance_intents")).toBe(0);
      expect(count("certificates")).toBe(expected);
      const { certificate } = await suite.issue(request);
      expect(count("certificates")).toBe(before + 1);
      expect((await suite.issue(request)).certificate?.serialHex).toBe(certificate?.serialHex);
    });
  });
});

describe("when the token is away", () => {
  it("issuance fails as worth repeating, and goes on with the same serial when it is back", async () => {
    const request = { requestId: randomUUID(), csrDer: suite.csr({ dns: ["argus.vcc.internal"] }) };
    suite.hsm.token.unplug();
    await expect(suite.issue(request)).rejects.toThrow(code("HSM_UNAVAILABLE"));
    const [intent] = all<{ serial: Buffer }>("SELECT serial FROM issuance_intents");
    await plugIn();
    const { certificate } = await suite.issue(request);
    expect(certificate?.serialHex).toBe(intent?.serial.toString("hex"));
  });

  it("an orphaned request is finished by the ca itself", async () => {
    const request = { requestId: randomUUID(), csrDer: suite.csr({ dns: ["argus.vcc.internal"] }) };
    suite.hsm.token.unplug();
    await expect(suite.issue(request)).rejects.toThrow(code("HSM_UNAVAILABLE"));
    await plugIn();
    await suite.ca.runChores();
    expect(count("issuance_intents")).toBe(1); // somebody may still be waiting
    suite.clock.advance(60_000);
    await suite.ca.runChores();
    expect(count("issuance_intents")).toBe(0);
  });
});

describe("when the hsm-gateway refuses for good", () => {
  it("the intent is given up on record, and the same request id says so", async () => {
    const { keys } = suite.hsm.as("ca");
    const created = await suite.createAuthority({
      ...HIERARCHY["vcc-services-ca"],
      authorityId: "vcc-services-2-ca",
      parentId: "vcc-root-ca",
    });
    const keyId = String(
      suite.store.db.prepare("SELECT key_id FROM authorities WHERE authority_id = ?").pluck().get(created.authorityId),
    );
    await keys.disableKey({ requestId: randomUUID(), organisation: "vcc", keyId });

    const csrDer = suite.csr({ uri: ["spiffe://vcc.internal/pki/ocsp"] });
    const request = {
      requestId: randomUUID(),
      organisation: "",
      profile: "ocsp_responder",
      authorityId: created.authorityId,
      csrDer,
      validitySeconds: 0,
    };
    const { certificates } = suite.as("ocsp");
    await expect(certificates.issue(request)).rejects.toThrow(code("KEY_NOT_ACTIVE"));
    await expect(certificates.issue(request)).rejects.toThrow(code("KEY_NOT_ACTIVE"));
    const [intent] = all<{ code: string; abandoned_at: number }>("SELECT code, abandoned_at FROM issuance_intents");
    expect(intent?.code).toBe("KEY_NOT_ACTIVE");
    suite.store.db.exec("DELETE FROM issuance_intents"); // for the invariants of the next test
  });
});

describe("the making of an authority", () => {
  const wanted = () => {
    const authorityId = `ca-${randomUUID().slice(0, 8)}`;
    return { ...HIERARCHY["vcc-services-ca"], authorityId, parentId: "vcc-root-ca", requestId: randomUUID() };
  };

  // 1 plan, 2 key, 3 TBS, 4 approval noted, 5 certificate
  it.each(
    [1, 2, 3, 4, 5].flatMap(
      (step) =>
        [
          [step, "before"],
          [step, "after"],
        ] as [number, "before" | "after"][],
    ),
  )("survives commit %i failing %s it is stored", async (step, when) => {
    const request = wanted();
    const keysBefore = count("key_holders");
    failCommit(suite.storeFaults, step, when);
    for (let attempt = 0; attempt < 3; attempt++) {
      const done = await suite.createAuthority(request).then(
        ({ state }) => state === AuthorityState.ACTIVE,
        (error) => expect(error.code).toBe("STORE_UNAVAILABLE"),
      );
      if (done) break;
      if (attempt === 0) await suite.restart();
    }
    const authority = await suite.createAuthority(request);
    expect(authority.state).toBe(AuthorityState.ACTIVE);
    expect(count("key_holders")).toBe(keysBefore);
    const named = suite.store.db.prepare("SELECT count(*) FROM authorities WHERE authority_id = ?").pluck();
    expect(named.get(request.authorityId)).toBe(1);
  });
});

describe("the signing of a CRL", () => {
  it.each([
    [1, "before"],
    [1, "after"],
    [2, "before"],
    [2, "after"],
  ] as [number, "before" | "after"][])(
    "survives commit %i failing %s it is stored, without a number given twice",
    async (step, when) => {
      const { crls } = suite.as();
      const request = { requestId: randomUUID(), organisation: "vcc", authorityId: "vcc-services-ca", ahead: 0 };
      const first = await crls.publish(request);
      failCommit(suite.storeFaults, step, when);
      const second = { ...request, requestId: randomUUID() };
      await expect(crls.publish(second)).rejects.toThrow(code("STORE_UNAVAILABLE"));
      await suite.restart();
      const published = await suite.as().crls.publish(second);
      expect(published.crlNumber).toBeGreaterThan(first.crlNumber);
      expect(parseCertificateList(published.crlDer).crlNumber).toBe(BigInt(published.crlNumber));
      const pending = suite.store.db.prepare("SELECT count(*) FROM crls WHERE state = 'pending'").pluck();
      expect(pending.get()).toBe(0);
      suite.clock.advance(1_000);
    },
  );
});
