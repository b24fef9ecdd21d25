import { KeyState } from "@vcc-pki/proto/hsm";
import { OID, parseCertificate, serialToHex } from "@vcc-pki/x509";
import { afterEach, describe, expect, it } from "vitest";
import { OpensslClient, post } from "./client.ts";
import { readStatus, request } from "./craft.ts";
import { newTsa, POLICY, TEST_NAME, type TsaHarness, type TsaHarnessOptions } from "./harness.ts";

const DAY_MS = 86_400_000;
let tsa: TsaHarness;
const start = async (options?: TsaHarnessOptions) => {
  tsa = await newTsa(options);
};
afterEach(() => tsa.close());

const answer = async (path = "/tsa") => readStatus((await post(tsa.url, request(), { path })).body);
const told = (type: string) => tsa.store.outbox.pending(1_000).filter((message) => message.type === type);
/** As the hsm-gateway has them, the oldest first. */
const keys = async () => {
  const { keys: all } = await tsa.ca.hsm.as("tsa").keys.listKeys({ organisation: "vcc", pageSize: 0, pageToken: "" });
  return all
    .filter(({ label }) => label.startsWith("TSU "))
    .sort((a, b) => (a.createdAt?.getTime() ?? 0) - (b.createdAt?.getTime() ?? 0));
};

describe("a unit's certificate", () => {
  it("is for time stamps alone, of a key of its own, which stops long before the certificate ends", async () => {
    await start({ config: { replica: "berlin-1" } });
    const [certificate] = await tsa.certificates("main");
    expect(certificate?.extendedKeyUsages).toEqual([OID.timeStamping]);
    expect(certificate?.extensions.find(({ oid }) => oid === OID.extKeyUsage)?.critical).toBe(true);
    expect(certificate?.keyUsage).toEqual(["digitalSignature"]);
    expect(certificate?.isCa).toBe(false);
    expect(certificate?.subjectAltNames.uri).toEqual(["spiffe://vcc.internal/pki/tsa"]);
    const end = certificate?.known.privateKeyUsagePeriod?.notAfter;
    expect(end?.getTime()).toBeLessThan((certificate?.notAfter.getTime() ?? 0) - 4 * 365 * DAY_MS);
    expect((await keys()).map(({ label }) => label)).toEqual(["TSU main of berlin-1"]);
  });

  it("is not a CA's, not another service's to ask for: the key signs time stamps and its own request, nothing else", async () => {
    await start();
    const [key] = await keys();
    const { signing } = tsa.ca.hsm.as("tsa");
    const common = { requestId: "x", organisation: "vcc", keyId: key?.keyId ?? "" };
    await expect(
      signing.sign({
        ...{ ...common, signatureAlgorithm: "ecdsa-p256-sha256" },
        payload: { $case: "dssePae", value: Buffer.from("DSSEv1 1 a 1 b") },
      }),
    ).rejects.toMatchObject({ code: "PAYLOAD_NOT_ADMITTED" });
  });

  it("that is revoked signs no more, and another takes its place", async () => {
    await start();
    const [certificate] = await tsa.certificates();
    const { serialHex = "", authorityKeyIdentifier = new Uint8Array() } = certificate ?? {};
    tsa.denyList.deny({ serialHex, issuerKeyId: Buffer.from(authorityKeyIdentifier).toString("hex") });
    expect(await answer()).toMatchObject({ failInfo: "systemFailure", text: expect.stringContaining("revoked") });
    await tsa.tsa.refresh();
    expect(await answer()).toMatchObject({ status: 0 });
    expect(await tsa.certificates()).toHaveLength(2);
  });
});

describe("a unit's key", () => {
  it("is replaced before its usage period ends, and destroyed on record; its certificate is served on", async () => {
    await start();
    const openssl = new OpensslClient();
    const query = openssl.query("by the first key");
    const before = (await post(tsa.url, query)).body;
    tsa.clock.advance(340 * DAY_MS);
    await tsa.tsa.refresh();

    const [first, second] = await tsa.certificates();
    expect(second?.spkiDer).not.toEqual(first?.spkiDer);
    const after = openssl.query("by the second key");
    expect(await openssl.verify(tsa, after, (await post(tsa.url, after)).body)).toBe("OK");
    expect(await openssl.verify(tsa, query, before)).toBe("OK");
    const { certificates } = await tsa.as("signing").getCertificate({ unit: "main" });
    expect(certificates.map(({ current }) => current)).toEqual([false, true]);

    expect((await keys()).map(({ state }) => state)).toEqual([KeyState.ACTIVE, KeyState.ACTIVE]);
    tsa.clock.advance(DAY_MS);
    await tsa.tsa.refresh();
    expect((await keys()).map(({ state }) => state)).toEqual([KeyState.DESTROYED, KeyState.ACTIVE]);
    const [destroyed] = await keys();
    expect(told("pki.key.destroyed.v1").map(({ data }) => data)).toEqual([
      { keyId: destroyed?.keyId, purpose: "time-stamping", unit: "main" },
    ]);
    const trail = tsa.store.audit.read(0, 1_000).filter(({ target }) => target === destroyed?.keyId);
    expect(trail.map(({ action, outcome }) => `${action} ${outcome}`)).toEqual([
      ...["unit-key.create done", "unit-key.certify done", "unit-key.retire done"],
      ...["unit-key.destroy requested", "unit-key.destroy done"],
    ]);
    openssl.close();
  });

  it("signs on while its successor cannot be had, but not beyond its usage period", async () => {
    await start();
    tsa.away.add("ca");
    tsa.clock.advance(340 * DAY_MS);
    await tsa.tsa.refresh();
    expect(await answer()).toMatchObject({ status: 0 });
    tsa.clock.advance(24 * DAY_MS);
    await tsa.tsa.refresh();
    await tsa.tsa.tell();
    expect(told("pki.timestamp.alarm.v1").map(({ data }) => data)).toMatchObject([{ alarm: "unit", raised: true }]);
    tsa.clock.advance(DAY_MS);
    await tsa.tsa.refresh();
    expect(await answer()).toMatchObject({ failInfo: "systemFailure", text: expect.stringContaining("usage period") });
    expect(await tsa.tsa.ready()).toMatchObject({ units: expect.stringContaining("usage period") });
    tsa.away.clear();
    await tsa.tsa.refresh();
    expect(await answer()).toMatchObject({ status: 0 });
  });

  it("is made once, though each step of its enrolment fails", async () => {
    await start({ isReady: false });
    await tsa.tsa.refresh();
    expect(await keys()).toHaveLength(1);
    tsa.clock.advance(340 * DAY_MS);
    // Each commit of the enrolment is lost once: before it is stored, then after.
    for (const fault of ["beforeCommit", "afterCommit"] as const) {
      for (let step = 0; step < 8; step++) {
        let commits = 0;
        tsa.storeFaults[fault] = () => {
          if (commits++ === step) throw new Error("disk");
        };
        await tsa.tsa.refresh().catch(() => {});
        tsa.storeFaults[fault] = undefined;
      }
    }
    await tsa.tsa.refresh();
    const active = (await keys()).filter(({ state }) => state === KeyState.ACTIVE);
    expect(active.length).toBeLessThanOrEqual(2);
    expect(await answer()).toMatchObject({ status: 0 });
    const rows = tsa.store.db.prepare("SELECT count(*) FROM unit_keys WHERE key_id IS NOT NULL").pluck().get();
    expect(rows).toBe((await keys()).length);
  });

  it("goes with its unit, and another kind of key takes the place of the old one", async () => {
    await start({
      config: {
        units: [
          { name: "main", policies: [POLICY.main] },
          { name: "gone", policies: [POLICY.other] },
        ],
      },
    });
    await tsa.restart({ units: [{ name: "main", policies: [POLICY.main], keyAlgorithm: "ec-p384" }] });
    tsa.clock.advance(DAY_MS);
    await tsa.tsa.refresh();
    const all = await keys();
    const active = all.filter(({ state }) => state === KeyState.ACTIVE);
    expect([all.length, active.map(({ keyAlgorithm }) => keyAlgorithm)]).toEqual([3, ["ec-p384"]]);
    expect(await answer()).toMatchObject({ status: 0 });
  });
});

describe("without a proven clock", () => {
  const test = { name: "trial", policies: [POLICY.test], test: true };

  it("only units for trying out start", async () => {
    await start({ config: { clock: { unproven: true }, units: [test] } });
    const mixed = { clock: { unproven: true }, units: [test, { name: "main", policies: [POLICY.main] }] };
    await expect(tsa.restart(mixed)).rejects.toMatchObject({ code: "CONFIG_INVALID" });
    await tsa.restart();
    expect(await answer()).toMatchObject({ status: 0 });
  });

  it("their certificate, policy, and everything that is told of them say so", async () => {
    await start({ config: { clock: { unproven: true }, units: [test] } });
    const [certificate] = await tsa.certificates();
    expect(certificate?.subjectAltNames.dns).toEqual([TEST_NAME]);
    const openssl = new OpensslClient();
    const query = openssl.query("trial", "-cert");
    const { body } = await post(tsa.url, query);
    expect(await openssl.verify(tsa, query, body)).toBe("OK");
    expect(openssl.show(body)).toContain(`Policy OID: ${POLICY.test}`);
    openssl.close();
    const status = await tsa.as("gateway").status({});
    expect(status).toMatchObject({
      clock: { unproven: true, unavailable: "" },
      units: [{ unit: "trial", test: true }],
    });
    expect((await tsa.as("gateway").getCertificate({ unit: "" })).certificates).toMatchObject([{ test: true }]);
    const row = tsa.store.db.prepare<[], string>("SELECT body FROM evidence").pluck().get();
    expect(JSON.parse(row ?? "")).toMatchObject({ isProven: false });
  });

  it("a unit that is no longer for trying out gets another key and certificate before it signs again", async () => {
    await start({ config: { clock: { unproven: true }, units: [test] } });
    await tsa.restart({ units: [{ ...test, test: false, policies: [POLICY.main] }], clock: { jitter: 0 } });
    const [marked, real] = await tsa.certificates();
    expect([marked?.subjectAltNames.dns, real?.subjectAltNames.dns]).toEqual([[TEST_NAME], []]);
    expect(await answer()).toMatchObject({ status: 0 });
  });
});

describe("replicas", () => {
  it("have keys of their own, share no serial number, and are both believed", async () => {
    await start();
    const other = await tsa.replica("2");
    expect((await keys()).map(({ label }) => label).sort()).toEqual(["TSU main of 1", "TSU main of 2"]);
    const url = `http://127.0.0.1:${other.httpPort}`;
    await Promise.all(Array.from({ length: 100 }, (_, i) => post(i % 2 ? tsa.url : url, request())));
    const serials = [tsa.store, other.store].flatMap(({ db }) =>
      db.prepare<[], Buffer>("SELECT serial FROM tokens").pluck().all().map(serialToHex),
    );
    expect(new Set(serials).size).toBe(100);
    const chains = other.store.db.prepare<[], Buffer>("SELECT spki_der FROM unit_keys").pluck().all();
    expect(chains[0]).not.toEqual(
      Buffer.from(parseCertificate((await tsa.certificates())[0]?.der ?? Buffer.of()).spkiDer),
    );
  });
});
