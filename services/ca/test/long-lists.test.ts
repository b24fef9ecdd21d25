import { randomBytes, randomUUID } from "node:crypto";
import { RevocationReason } from "@vcc-pki/proto/ca";
import { parseCertificate, parseCertificateList } from "@vcc-pki/x509";
import { afterEach, describe, expect, it } from "vitest";
import { failCommit } from "./faults.ts";
import { type CaHarness, newCa } from "./harness.ts";

const AUTHORITY = "vcc-services-ca";
let suite: CaHarness;
afterEach(() => suite.close());

/** A ca whose lists are long from the third entry on, and have been signed once. */
async function start(crl: object = {}): Promise<void> {
  suite = await newCa({ config: { crl: { fullAtOnceBelow: 3, ...crl } } });
  await suite.ca.runChores();
  await chores();
}

async function chores(): Promise<void> {
  suite.clock.advance(1_000);
  await suite.ca.runChores();
}

const list = async (delta: boolean) =>
  parseCertificateList((await suite.as().crls.get({ authorityId: AUTHORITY, shard: 0, delta })).crlDer);
const numbers = async () => [(await list(false)).crlNumber ?? 0n, (await list(true)).crlNumber ?? 0n] as const;

async function revokeOne(): Promise<string> {
  const { certificate } = await suite.issue();
  await suite.as().certificates.revoke({
    ...{ requestId: randomUUID(), organisation: "brandenburg", certificateId: certificate?.certificateId ?? "" },
    ...{ reason: RevocationReason.SUPERSEDED, invalidityDate: undefined },
  });
  return certificate?.serialHex ?? "";
}

/** As a bulk revocation leaves it, without the signatures. */
async function revokeMany(count: number): Promise<void> {
  const { store } = suite;
  const certificate = store.db.prepare(
    `INSERT INTO certificates (organisation, authority_id, serial, profile, profile_version, requester, issued_at, not_after, certificate_der)
     VALUES ('brandenburg', '${AUTHORITY}', ?, 'mtls_service', 1, '', 0, 9e15, x'00')`,
  );
  const log = store.db.prepare(`INSERT INTO status_log (change, authority_id, serial) VALUES (1, '${AUTHORITY}', ?)`);
  const revocation = store.db.prepare(
    `INSERT INTO revocations (organisation, authority_id, serial, crl_shard, revoked_at, reason, listed_until, requester, sequence)
     VALUES ('brandenburg', '${AUTHORITY}', ?, 0, ?, 4, 9e15, '', ?)`,
  );
  const now = suite.clock.now().getTime();
  await store.write(() => {
    for (let i = 0; i < count; i++) {
      const serial = Buffer.concat([Buffer.of(1), randomBytes(18)]);
      certificate.run(serial);
      revocation.run(serial, now, log.run(serial).lastInsertRowid);
    }
    store.db.prepare("UPDATE crl_state SET dirty_since = ? WHERE authority_id = ?").run(now, AUTHORITY);
  });
}

describe("a list that is long", () => {
  it("leaves revocations to the delta list, and is signed itself when it is old enough", async () => {
    await start();
    for (let i = 0; i < 2; i++) await revokeOne();
    await chores();
    const [before] = await numbers();
    const base = (await list(true)).known.deltaCrlIndicator;
    expect((await list(false)).revokedCount).toBe(2);

    const revoked: string[] = [];
    for (let i = 1; i <= 3; i++) {
      revoked.push(await revokeOne());
      const [, earlier] = await numbers();
      await chores();
      const [full, delta] = await numbers();
      expect(full).toBe(before);
      expect(delta).toBeGreaterThan(earlier);
      const changes = await list(true);
      expect([changes.known.deltaCrlIndicator, changes.revokedCount]).toEqual([base, 2 + i]);
    }
    suite.clock.advance(15 * 60_000);
    await suite.ca.runChores();
    const full = await list(false);
    expect(full.revokedCount).toBe(5);
    for (const serialHex of revoked) expect(full.findRevoked(serialHex)).toBeDefined();
    expect(full.crlNumber).toBeGreaterThan((await list(true)).crlNumber ?? 0n);
  });

  it("is signed at once for an administrator", async () => {
    await start();
    for (let i = 0; i < 5; i++) await revokeOne();
    const request = { requestId: randomUUID(), organisation: "vcc", authorityId: AUTHORITY, ahead: 1 };
    const { crlDer } = await suite.as().crls.publish(request);
    expect(parseCertificateList(crlDer).revokedCount).toBe(5);
    expect((await suite.as().crls.publish(request)).crlDer).toEqual(crlDer);
  });

  it("is read in portions, and what is revoked meanwhile is on the next delta list", async () => {
    await start();
    await revokeMany(11_000);
    suite.clock.advance(15 * 60_000);
    const running = suite.ca.runChores();
    const serialHex = await revokeOne();
    await running;
    expect((await list(false)).revokedCount).toBeGreaterThanOrEqual(11_000);
    expect((await list(true)).revokedCount).toBeGreaterThanOrEqual(11_000);
    await chores();
    const [full, delta] = [await list(false), await list(true)];
    expect(full.findRevoked(serialHex) ?? delta.findRevoked(serialHex)).toBeDefined();
    expect(delta.known.deltaCrlIndicator).toBe(full.crlNumber); // about an older one there would be too much to tell
    expect(delta.revokedCount).toBeLessThan(2);
    expect(new Set([...full.revoked()].map((entry) => entry.serialHex)).size).toBe(full.revokedCount);
  });
});

describe("without delta lists", () => {
  it("every revocation is on a full list, and certificates name no other", async () => {
    await start({ deltas: { default: false } });
    for (let i = 0; i < 4; i++) await revokeOne();
    await chores();
    const full = await list(false);
    expect([full.revokedCount, full.known.freshestCrl]).toEqual([4, undefined]);
    await expect(list(true)).rejects.toThrow(expect.objectContaining({ code: "NOT_FOUND" }));
    const { chainDer } = await suite.issue();
    expect(parseCertificate(chainDer[0] ?? new Uint8Array()).known.freshestCrl).toBeUndefined();
  });
});

describe("lists for a revocation", () => {
  const steps = [1, 2].flatMap((step) => [
    [step, "before"],
    [step, "after"],
  ]) as [number, "before" | "after"][];

  // 1 begun, 2 signed; of a long list the delta list alone
  it.each(steps.flatMap(([step, when]) => [3, 0].map((below) => [step, when, below] as const)))(
    "survive commit %i failing %s it is stored, with full lists at once below %i entries",
    async (step, when, fullAtOnceBelow) => {
      await start({ fullAtOnceBelow });
      const first = await revokeOne();
      await chores();
      const before = await numbers();
      const second = await revokeOne();
      failCommit(suite.storeFaults, step, when);
      await chores();
      await suite.restart();
      await chores();
      await chores();
      const [full, delta] = [await list(false), await list(true)];
      expect(delta.crlNumber).toBeGreaterThan(before[1]);
      expect(delta.findRevoked(second)).toBeDefined();
      if (fullAtOnceBelow > 0) {
        expect(full.crlNumber).toBeGreaterThan(before[0]);
        expect([first, second].map((serialHex) => full.findRevoked(serialHex)?.reason)).toEqual([
          "superseded",
          "superseded",
        ]);
      }
      const all = suite.store.db
        .prepare("SELECT kind || crl_number FROM crls WHERE authority_id = ?")
        .pluck()
        .all(AUTHORITY);
      expect(new Set(all).size).toBe(all.length);
      const pending = suite.store.db.prepare("SELECT count(*) FROM crls WHERE state = 'pending'").pluck();
      expect(pending.get()).toBe(0);
      await revokeOne();
      await chores();
      expect((await numbers())[1]).toBeGreaterThan(delta.crlNumber ?? 0n);
    },
  );

  it("are signed when the token is back", async () => {
    await start();
    const serialHex = await revokeOne();
    suite.hsm.token.unplug();
    await chores();
    expect((await list(false)).findRevoked(serialHex)).toBeUndefined();
    suite.hsm.token.plugIn();
    suite.clock.advance(10_000);
    await expect.poll(() => suite.hsm.ready()).toEqual({ token: true });
    await chores();
    for (const delta of [false, true]) expect((await list(delta)).findRevoked(serialHex)).toBeDefined();
  });
});

describe("a clock that was set back", () => {
  it("hides no list, and numbers go on growing", async () => {
    await start();
    const before = await numbers();
    const serialHex = await revokeOne();
    suite.clock.step(-3_600_000);
    expect(await numbers()).toEqual(before);
    await revokeOne();
    await chores();
    await suite.as().crls.publish({ requestId: randomUUID(), organisation: "vcc", authorityId: AUTHORITY, ahead: 0 });
    for (const delta of [false, true]) expect((await list(delta)).findRevoked(serialHex)).toBeDefined();
    const [full, delta] = await numbers();
    expect(full).toBeGreaterThan(before[0]);
    expect(delta).toBeGreaterThan(before[1]);
  });
});
