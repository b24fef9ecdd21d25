import { RevocationReason } from "@vcc-pki/proto/ca";
import { KeyState } from "@vcc-pki/proto/hsm";
import { type Certificate, type OcspResponse, parseOcspResponse, toHex } from "@vcc-pki/x509";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type AskOptions, ask, post, prove, question } from "./client.ts";
import { AUTHORITY, newOcsp, type OcspHarness, type OcspHarnessOptions } from "./harness.ts";

let suite: OcspHarness;
let issuer: Certificate;
async function start(options: OcspHarnessOptions = {}): Promise<void> {
  suite = await newOcsp(options);
  issuer = await suite.authority(AUTHORITY);
}

const NONCE = { nonce: new Uint8Array(32).fill(9) };
async function statusOf(serial: Uint8Array, options?: AskOptions): Promise<string> {
  const response = await ask(suite.url, issuer, serial, options);
  if (response.responseStatus !== "successful") return response.responseStatus;
  return prove(response, issuer, serial, suite.clock.now()).response.status;
}
const octetsAbout = async (serial: Uint8Array) =>
  Buffer.from(await (await post(`${suite.url}/ocsp`, question(issuer, [serial]))).bytes());
async function goodCertificate(): Promise<Certificate> {
  const certificate = await suite.issue();
  await suite.ocsp.refresh();
  expect(await statusOf(certificate.serial)).toBe("good");
  return certificate;
}
const responderOf = (response: OcspResponse) => {
  if (response.responseStatus !== "successful" || !("keyHash" in response.data.responderId))
    throw new Error("no answer");
  return { keyHash: toHex(response.data.responderId.keyHash), certificate: response.certificates[0] };
};

describe("without the hsm-gateway", () => {
  beforeAll(() => start());
  afterAll(() => suite.close());

  it("what was signed ahead is served, what has to be signed waits, and comes back", async () => {
    const known = await goodCertificate();
    suite.away.add("hsm-gateway");
    expect(await statusOf(known.serial)).toBe("good");
    expect(await statusOf(known.serial, NONCE)).toBe("tryLater");
    expect(await statusOf(known.serial, { hash: "sha256" })).toBe("tryLater");
    suite.away.clear();
    suite.clock.advance(6_000); // the channel tries again after a while
    await suite.ocsp.pull();
    await expect.poll(() => statusOf(known.serial, NONCE)).toBe("good");
    expect(await statusOf(known.serial, { hash: "sha256" })).toBe("good");
  });

  it("a revocation voids the good answer at once, though there is no new one", async () => {
    const certificate = await goodCertificate();
    expect(await statusOf(certificate.serial, { method: "GET" })).toBe("good");
    suite.away.add("hsm-gateway");
    await suite.revoke(certificate, RevocationReason.SUPERSEDED);
    await suite.ocsp.pull();
    expect(await statusOf(certificate.serial)).toBe("tryLater");
    expect(await statusOf(certificate.serial, { method: "GET" })).toBe("tryLater");
    suite.away.clear();
    suite.clock.advance(6_000);
    await suite.ocsp.refresh();
    await expect.poll(() => statusOf(certificate.serial)).toBe("revoked");
  });

  it("a good answer that was being signed when its certificate was revoked is not given", async () => {
    const certificate = await goodCertificate();
    const { promise, resolve } = Promise.withResolvers<void>();
    suite.gate.opens = promise;
    const asking = [NONCE, { hash: "sha256" }].map((options) => statusOf(certificate.serial, options as AskOptions));
    await new Promise((wait) => setTimeout(wait, 50));
    await suite.revoke(certificate);
    await suite.ocsp.pull();
    resolve();
    delete suite.gate.opens;
    for (const status of await Promise.all(asking)) expect(status).not.toBe("good");
    await expect.poll(() => statusOf(certificate.serial)).toBe("revoked");
  });
});

describe("an answer that is being signed ahead", () => {
  beforeAll(() => start());
  afterAll(() => suite.close());

  it("when its certificate is revoked is thrown away, in memory and in the database", async () => {
    const certificate = await suite.issue();
    const { promise, resolve } = Promise.withResolvers<void>();
    suite.gate.opens = promise;
    await suite.ocsp.pull();
    await new Promise((wait) => setTimeout(wait, 50)); // it is asked for
    await suite.revoke(certificate);
    await suite.ocsp.pull();
    delete suite.gate.opens;
    resolve();
    await suite.ocsp.signDue();
    expect(await statusOf(certificate.serial)).toBe("revoked");
    await suite.restart();
    await suite.ocsp.loaded;
    expect(await statusOf(certificate.serial)).toBe("revoked");
  });
});

describe("after a restart", () => {
  beforeAll(() => start());
  afterAll(() => suite.close());

  it("the same answers are served at once, with neither ca nor hsm-gateway", async () => {
    const certificates: Certificate[] = [];
    for (let i = 0; i < 5; i++) certificates.push(await suite.issue());
    const [revoked] = certificates;
    if (revoked) await suite.revoke(revoked);
    await suite.ca.ca.runChores();
    await suite.ocsp.refresh();
    const before = await Promise.all(certificates.map(({ serial }) => octetsAbout(serial)));
    suite.away.add("ca").add("hsm-gateway");
    await suite.restart();
    await suite.ocsp.pull(); // in vain
    expect(suite.ocsp.currency).toBe("stale");
    expect(await Promise.all(certificates.map(({ serial }) => octetsAbout(serial)))).toEqual(before);
    expect((await fetch(`${suite.url}/crl/${AUTHORITY}/0.crl`)).status).toBe(200);
    await suite.ocsp.loaded;
    expect(await Promise.all(certificates.map(({ serial }) => octetsAbout(serial)))).toEqual(before);
    suite.away.clear();
    await suite.ocsp.refresh();
  });

  it("nothing is good before the ca was asked what has changed meanwhile", async () => {
    const certificate = await goodCertificate();
    await suite.revoke(certificate);
    const other = await goodCertificate();
    await suite.restart();
    expect(await statusOf(certificate.serial)).not.toBe("good");
    await suite.ocsp.pull();
    expect([await statusOf(certificate.serial), await statusOf(other.serial)]).toEqual(["revoked", "good"]);
  });
});

describe("answers signed ahead", () => {
  beforeAll(() => start({ config: { answers: { signaturesPerSecond: 10 } } }));
  afterAll(() => suite.close());
  const answers = () => suite.store.db.prepare("SELECT count(*) FROM answers").pluck().get() as number;

  it("keep to the budget, but for revocations", async () => {
    const certificates: Certificate[] = [];
    for (let i = 0; i < 25; i++) certificates.push(await suite.issue());
    const before = answers();
    await suite.ocsp.refresh();
    const first = answers() - before;
    expect(first).toBeLessThanOrEqual(10);
    suite.clock.advance(1_000);
    await suite.ocsp.pull();
    await suite.ocsp.signDue();
    expect(answers() - before).toBeLessThanOrEqual(first + 10);
    suite.clock.advance(1_000);
    for (const certificate of certificates) await suite.revoke(certificate);
    await suite.ocsp.pull();
    await suite.ocsp.signDue();
    await expect.poll(() => answers() - before).toBeGreaterThanOrEqual(25);
  });
});

describe("an answer signed ahead", () => {
  beforeAll(() => start());
  afterAll(() => suite.close());

  it("is renewed at half of its life", async () => {
    const certificate = await goodCertificate();
    const first = await octetsAbout(certificate.serial);
    suite.clock.advance(9 * 3_600_000);
    await suite.ocsp.refresh();
    expect(await octetsAbout(certificate.serial)).toEqual(first);
    suite.clock.advance(5 * 3_600_000);
    await suite.ocsp.refresh();
    const second = parseOcspResponse(await octetsAbout(certificate.serial));
    const { response } = prove(second, issuer, certificate.serial, suite.clock.now());
    expect(response.thisUpdate).toEqual(suite.clock.now());
  });
});

describe("a responder", () => {
  beforeAll(() => start({ config: { responders: { interval: "1d", keyLife: "12d" } } }));
  afterAll(() => suite.close());
  const responder = async (serial: Uint8Array) => responderOf(await ask(suite.url, issuer, serial, NONCE));
  const keys = () => suite.store.db.prepare("SELECT count(*) FROM responders").pluck().get() as number;

  it("is certified by its authority, for its key, without revocation of its own", async () => {
    const certificate = await goodCertificate();
    const { keyHash, certificate: own } = await responder(certificate.serial);
    expect(own?.issuer.der).toEqual(issuer.subject.der);
    expect(own?.known.ocspNoCheck).toBe(true);
    expect(toHex(own?.subjectKeyIdentifier ?? new Uint8Array())).toBe(keyHash);
  });

  it("is renewed in time with the same key, and answers stay as they are signed", async () => {
    const certificate = await goodCertificate();
    const before = await responder(certificate.serial);
    suite.clock.advance(10 * 86_400_000);
    await suite.ocsp.refresh();
    const after = await responder(certificate.serial);
    expect(after.keyHash).toBe(before.keyHash);
    expect(after.certificate?.serialHex).not.toBe(before.certificate?.serialHex);
    expect(after.certificate?.notAfter.getTime()).toBeGreaterThan(before.certificate?.notAfter.getTime() ?? 0);
    expect(await statusOf(certificate.serial)).toBe("good");
  });

  it("gets a new key when the old one has served long enough; what it signed is good as long as it says", async () => {
    const certificate = await goodCertificate();
    const old = await octetsAbout(certificate.serial);
    const before = await responder(certificate.serial);
    suite.clock.advance(8.9 * 86_400_000);
    const late = await goodCertificate();
    const kept = await octetsAbout(late.serial);
    const count = keys();
    suite.clock.advance(0.2 * 86_400_000);
    await suite.ocsp.refresh();
    expect((await responder(certificate.serial)).keyHash).not.toBe(before.keyHash);
    expect(keys()).toBeGreaterThan(count);
    expect(await octetsAbout(late.serial)).toEqual(kept);
    expect(await octetsAbout(certificate.serial)).not.toEqual(old);
    expect(await statusOf(certificate.serial)).toBe("good");
  });

  it("is made once, however often making it fails", async () => {
    const authorityId = "vcc-more-ca";
    await suite.ca.createAuthority({
      authorityId,
      parentId: "vcc-root-ca",
      commonName: "VCC More CA",
      profiles: ["mtls_service"],
    });
    await suite.ca.ca.runChores();
    const keysBefore = await hsmKeys();
    let commits = 0;
    const failAt = new Set([3, 5, 6, 8]);
    suite.storeFaults.beforeCommit = () => {
      if (failAt.has(++commits)) throw new Error("killed");
    };
    for (let i = 0; i < 8; i++) await suite.ocsp.refresh();
    suite.storeFaults.beforeCommit = undefined;
    await suite.restart();
    await suite.ocsp.refresh();
    const more = await suite.authority(authorityId);
    const never = Uint8Array.of(1, 2);
    const response = await ask(suite.url, more, never);
    expect(prove(response, more, never, suite.clock.now()).response.status).toBe("unknown");
    expect(await hsmKeys()).toBe(keysBefore + 1);
  });

  it("whose key does not sign any more is replaced", async () => {
    const certificate = await goodCertificate();
    const { keyId } = suite.store.db
      .prepare(
        "SELECT key_id AS keyId FROM responders WHERE retired_at IS NULL AND issuer = (SELECT issuer FROM issuers WHERE authority_id = ?)",
      )
      .get(AUTHORITY) as { keyId: string };
    const { keys: hsm } = suite.ca.hsm.as("ocsp");
    await hsm.disableKey({ requestId: "disable", organisation: "vcc", keyId });
    expect(await statusOf(certificate.serial, NONCE)).toBe("tryLater");
    expect(await statusOf(certificate.serial)).toBe("good");
    await expect.poll(() => statusOf(certificate.serial, NONCE)).toBe("good");
  });

  it("takes its key with it when all it has signed has run out", async () => {
    const isDestroyed = "SELECT count(*) FROM responders WHERE destroyed_at IS NOT NULL";
    const before = await hsmKeys();
    suite.clock.advance(25 * 3_600_000);
    await suite.ocsp.refresh();
    const destroyed = suite.store.db.prepare(isDestroyed).pluck().get() as number;
    expect(destroyed).toBeGreaterThan(0);
    expect(await hsmKeys()).toBeLessThan(before);
  });

  const hsmKeys = async () =>
    (await suite.ca.hsm.as("ocsp").keys.listKeys({ organisation: "vcc", pageSize: 100, pageToken: "" })).keys.filter(
      ({ label, state }) => label.startsWith("OCSP") && state !== KeyState.DESTROYED,
    ).length;
});
