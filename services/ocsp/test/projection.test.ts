import { randomUUID } from "node:crypto";
import { bumpGeneration } from "@vcc-pki/ca";
import type { CloudEvent } from "@vcc-pki/events";
import { CertificateStatus } from "@vcc-pki/proto/ocsp";
import type { StoreFaults } from "@vcc-pki/store";
import type { Certificate } from "@vcc-pki/x509";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type AskOptions, ask, prove } from "./client.ts";
import { ADMINISTRATOR, AUTHORITY, newOcsp, type OcspHarness, type OcspHarnessOptions } from "./harness.ts";

let suite: OcspHarness;
let issuer: Certificate;
async function start(options: OcspHarnessOptions): Promise<void> {
  suite = await newOcsp(options);
  issuer = await suite.authority(AUTHORITY);
}
afterAll(() => suite.close());

const NONCE = { nonce: new Uint8Array(32).fill(9) };
const NEVER_ISSUED = Uint8Array.of(0x01, 0x23, 0x45);

/** "good", "revoked", "unknown", or the error. */
async function statusOf(serial: Uint8Array, options?: AskOptions, by = issuer): Promise<string> {
  const response = await ask(suite.url, by, serial, options);
  if (response.responseStatus !== "successful") return response.responseStatus;
  return prove(response, by, serial, suite.clock.now()).response.status;
}
/** The same without looking at times and signatures. */
async function said(serial: Uint8Array, options?: AskOptions): Promise<string | undefined> {
  const response = await ask(suite.url, issuer, serial, options);
  return response.responseStatus === "successful" ? response.data.responses[0]?.status : response.responseStatus;
}
const code = (expected: string) => expect.objectContaining({ code: expected });

/** A certificate that was answered good, with its answer signed ahead. */
async function goodCertificate(): Promise<Certificate> {
  const certificate = await suite.issue();
  await suite.ocsp.refresh();
  expect(await statusOf(certificate.serial)).toBe("good");
  return certificate;
}

describe("over the bus", () => {
  beforeAll(() => start({ events: "relayed" }));
  afterAll(() => suite.close());

  it("an event is enough: nobody has to ask the ca", async () => {
    const certificate = await suite.issue();
    await expect.poll(() => statusOf(certificate.serial)).toBe("good");
    await suite.revoke(certificate);
    await expect.poll(() => statusOf(certificate.serial)).toBe("revoked");
  });

  it("a new authority gets a responder", async () => {
    const authorityId = "vcc-more-ca";
    const fields = { parentId: "vcc-root-ca", commonName: "VCC More CA", profiles: ["mtls_service"] };
    await suite.ca.createAuthority({ authorityId, ...fields });
    await suite.ca.ca.runChores();
    const more = await suite.authority(authorityId);
    await expect.poll(() => statusOf(NEVER_ISSUED, {}, more)).toBe("unknown");
    await expect.poll(async () => (await fetch(`${suite.url}/aia/${authorityId}.cer`)).status).toBe(200);
  });
});

describe("events", () => {
  beforeAll(() => start({ events: "by hand" }));
  afterAll(() => suite.close());
  const publish = async (...events: (CloudEvent | undefined)[]) => {
    for (const event of events) if (event) await suite.bus.publish({ ...event, id: randomUUID() });
  };
  /** Issues so many, and returns them with their events. */
  const issue = async (count: number) => {
    await suite.ocsp.pull();
    suite.takeEvents();
    const issued: Certificate[] = [];
    for (let i = 0; i < count; i++) issued.push(await suite.issue());
    return { issued, events: suite.takeEvents() };
  };
  const allGood = async (issued: readonly Certificate[]) => {
    for (const { serial } of issued) await expect.poll(() => statusOf(serial)).toBe("good");
    await suite.ocsp.pull();
    for (const { serial } of issued) expect(await statusOf(serial)).toBe("good");
  };

  it("may come twice", async () => {
    const { issued, events } = await issue(2);
    await publish(...events, ...events, events[0]);
    await allGood(issued);
  });

  it("may come in another order", async () => {
    const { issued, events } = await issue(3);
    await publish(events[2], events[0], events[1]);
    await allGood(issued);
  });

  it("may get lost, which the next one shows", async () => {
    const { issued, events } = await issue(3);
    await publish(events[2]);
    await allGood(issued);
  });

  it("that show a gap stop every good, until the ca has filled it", async () => {
    const known = await goodCertificate();
    const revoked = await suite.issue();
    await suite.revoke(revoked);
    await suite.ocsp.pull();
    const { issued, events } = await issue(2);
    suite.away.add("ca");
    await publish(events[1]);
    await expect.poll(() => suite.ocsp.currency).toBe("behind");
    expect(await statusOf(known.serial)).toBe("tryLater");
    expect(await statusOf(known.serial, { method: "GET" })).toBe("tryLater");
    expect(await statusOf(known.serial, NONCE)).toBe("tryLater");
    expect(await statusOf(NEVER_ISSUED)).toBe("tryLater");
    expect(await statusOf(revoked.serial)).toBe("revoked");
    expect(await statusOf(revoked.serial, NONCE)).toBe("revoked");
    const watching = suite.as("gateway").status.watch({})[Symbol.asyncIterator]().next();
    await expect(watching, "a deny-list with gaps").rejects.toMatchObject({ code: "PEER_UNAVAILABLE" });
    expect((await suite.ocsp.ready()).projection).not.toBe(true);
    suite.away.clear();
    await suite.ocsp.pull();
    expect(await statusOf(known.serial)).toBe("good");
    await allGood(issued);
  });
});

describe("a ca that is silent", () => {
  beforeAll(() => start({}));
  afterEach(() => suite.away.clear());
  afterAll(() => suite.close());

  it("is believed for a while; then only what was signed before holds", async () => {
    const known = await goodCertificate();
    const revoked = await goodCertificate();
    await suite.revoke(revoked);
    await suite.ocsp.pull();
    suite.away.add("ca");
    await suite.ocsp.pull();
    suite.clock.advance(29_000);
    expect(await statusOf(known.serial, NONCE)).toBe("good");
    suite.clock.advance(2_000);
    expect(suite.ocsp.currency).toBe("stale");
    expect(await statusOf(known.serial)).toBe("good");
    expect(await statusOf(known.serial, NONCE)).toBe("tryLater");
    expect(await statusOf(known.serial, { hash: "sha256" })).toBe("tryLater");
    expect(await statusOf(NEVER_ISSUED)).toBe("tryLater");
    expect(await statusOf(revoked.serial, NONCE)).toBe("revoked");

    const { status } = suite.as("gateway");
    const about = (serial: Uint8Array) => status.get({ authorityId: AUTHORITY, serial });
    await expect(about(known.serial)).rejects.toThrow(code("PEER_UNAVAILABLE"));
    expect((await about(revoked.serial)).status).toBe(CertificateStatus.REVOKED);

    suite.away.clear();
    await suite.ocsp.pull();
    expect(await statusOf(known.serial, NONCE)).toBe("good");
    expect(await about(known.serial)).toMatchObject({ status: CertificateStatus.GOOD, asOf: suite.clock.now() });
    expect((await about(NEVER_ISSUED)).status).toBe(CertificateStatus.UNKNOWN);
    await expect(status.get({ authorityId: "nobody", serial: NEVER_ISSUED })).rejects.toThrow(code("NOT_FOUND"));
  });

  it.each([
    ["an hour", -3_600_000],
    ["two days", -2 * 86_400_000],
  ])("and a clock set back by %s: no wrong answer", async (_, ms) => {
    const known = await goodCertificate();
    const revoked = await goodCertificate();
    await suite.revoke(revoked);
    suite.clock.step(ms);
    await suite.ocsp.pull();
    expect(await said(revoked.serial)).toBe("revoked");
    expect(await said(known.serial)).toBe("good"); // signed now: what was signed ahead lies in the future
    suite.away.add("ca");
    suite.clock.advance(31_000); // silence is not measured by the clock that was set back
    expect(await said(known.serial)).toBe("good");
    expect(await said(known.serial, NONCE)).toBe("tryLater");
    suite.clock.step(-ms);
  });
});

describe("a commit that fails", () => {
  beforeAll(() => start({}));
  afterAll(() => suite.close());
  const fail = (when: keyof StoreFaults) => {
    suite.storeFaults[when] = () => {
      throw new Error("the disk is full");
    };
  };
  const heal = () => {
    delete suite.storeFaults.beforeCommit;
    delete suite.storeFaults.afterCommit;
  };

  it.each(["beforeCommit", "afterCommit"] as const)("%s never leaves a revoked certificate good", async (when) => {
    const known = await goodCertificate();
    const revoked = await goodCertificate();
    fail(when);
    await suite.revoke(revoked);
    await suite.ocsp.pull();
    expect(suite.ocsp.currency).toBe("behind");
    expect(await statusOf(revoked.serial)).not.toBe("good");
    expect(await statusOf(revoked.serial, NONCE)).not.toBe("good");
    expect(await statusOf(known.serial)).toBe("tryLater");
    await suite.ocsp.pull();
    expect(await statusOf(revoked.serial)).not.toBe("good");
    heal();
    await suite.ocsp.pull();
    expect(await statusOf(revoked.serial)).toBe("revoked");
    expect(await statusOf(known.serial)).toBe("good");
    await suite.restart();
    await suite.ocsp.pull();
    expect(await statusOf(revoked.serial)).toBe("revoked");
    expect(await statusOf(known.serial)).toBe("good");
  });
});

describe("a ca whose backup was restored", () => {
  beforeAll(() => start({ authorities: ["vcc-services-ca", "vcc-admin-ca", "vcc-platform-ca"] }));
  afterAll(() => suite.close());

  /** As if the backup had been made before these things happened. */
  async function restore(forget: { revocation: Certificate; issuance: Certificate }): Promise<void> {
    const { store } = suite.ca;
    const triggers = store.db.prepare<[], string>(
      "SELECT name FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = 'status_log'",
    );
    await store.write(() => {
      for (const trigger of triggers.pluck().all()) store.db.exec(`DROP TRIGGER ${trigger}`); // it only grows
      store.db.prepare("DELETE FROM revocations WHERE serial = ?").run(forget.revocation.serial);
      store.db.prepare("DELETE FROM status_log WHERE serial = ? AND change <> 0").run(forget.revocation.serial);
      store.db.prepare("DELETE FROM status_log WHERE serial = ?").run(forget.issuance.serial);
    });
    await bumpGeneration(store, suite.clock);
    await suite.ca.restart();
  }

  it("never turns revoked into good, also not while it is read again", async () => {
    const known = await goodCertificate();
    const revoked = await goodCertificate();
    const remembered = await goodCertificate();
    const forgotten = await goodCertificate();
    for (const certificate of [revoked, remembered]) await suite.revoke(certificate);
    await suite.ocsp.pull();
    const statuses = () => Promise.all([known, revoked, remembered, forgotten].map(({ serial }) => statusOf(serial)));
    expect(await statuses()).toEqual(["good", "revoked", "revoked", "good"]);

    await restore({ revocation: revoked, issuance: forgotten });
    const pulling = suite.ocsp.pull();
    for (let isOver = false; !isOver; ) {
      isOver = await Promise.race([
        pulling.then(() => true),
        new Promise<false>((resolve) => setTimeout(resolve, 1, false)),
      ]);
      const [, one, other] = await statuses();
      expect([one, other]).toEqual(["revoked", "revoked"]);
    }
    expect(await statuses()).toEqual(["good", "revoked", "revoked", "unknown"]);
    await suite.restart();
    await suite.ocsp.refresh();
    expect(await statuses()).toEqual(["good", "revoked", "revoked", "unknown"]);
  });

  it("is followed in its new numbers, releases included", async () => {
    const { certificate } = await suite.ca.issue(ADMINISTRATOR);
    expect(certificate).toBeDefined();
    const fresh = await goodCertificate();
    await suite.revoke(fresh);
    await suite.ocsp.pull();
    expect(await statusOf(fresh.serial)).toBe("revoked");
  });
});
