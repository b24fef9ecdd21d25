import { RevocationReason } from "@vcc-pki/proto/ca";
import { buildCertId, type Certificate, issuerHashes, type OcspResponse, parseOcspResponse } from "@vcc-pki/x509";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ask, post, prove, question } from "./client.ts";
import { ADMINISTRATOR, AUTHORITY, newOcsp, type OcspHarness, type OcspHarnessOptions } from "./harness.ts";

let suite: OcspHarness;
let issuer: Certificate;
let certificate: Certificate;
async function start(options?: OcspHarnessOptions): Promise<void> {
  suite = await newOcsp({ authorities: ["vcc-services-ca", "vcc-admin-ca", "vcc-platform-ca"], ...options });
  issuer = await suite.authority(AUTHORITY);
  certificate = await suite.issue();
  await suite.ocsp.refresh();
}

const NEVER_ISSUED = Uint8Array.of(0x01, 0x23, 0x45);
const proven = (response: OcspResponse, serial: Uint8Array) => prove(response, issuer, serial, suite.clock.now());
const requireSuccess = (response: OcspResponse) => {
  if (response.responseStatus !== "successful") throw new Error(response.responseStatus);
  return response;
};

describe("an answer", () => {
  beforeAll(() => start());
  afterAll(() => suite.close());

  it.each([
    ["sha1", "POST"],
    ["sha1", "GET"],
    ["sha256", "POST"],
    ["sha256", "GET"],
  ] as const)("by %s to %s is good for what was issued and repeats the CertID", async (hash, method) => {
    const response = requireSuccess(await ask(suite.url, issuer, certificate.serial, { hash, method }));
    const { response: single, isNoCheck } = proven(response, certificate.serial);
    expect(single.status).toBe("good");
    expect(isNoCheck).toBe(true);
    const asked = buildCertId(issuerHashes(issuer)[hash], certificate.serial);
    expect(Buffer.from(single.certId.der)).toEqual(Buffer.from(asked));
    expect(single.nextUpdate?.getTime()).toBeGreaterThan(suite.clock.now().getTime());
    expect(response.data.responderId).toHaveProperty("keyHash");
  });

  it.each(["sha1", "sha256"] as const)("by %s is revoked with time and reason once it is revoked", async (hash) => {
    const other = await suite.issue();
    await suite.ocsp.refresh();
    expect(proven(await ask(suite.url, issuer, other.serial, { hash }), other.serial).response.status).toBe("good");
    suite.clock.advance(5_000);
    await suite.revoke(other, RevocationReason.SUPERSEDED);
    await suite.ocsp.pull();
    expect(proven(await ask(suite.url, issuer, other.serial, { hash }), other.serial).response).toMatchObject({
      ...{ status: "revoked", reason: "superseded", revocationTime: suite.clock.now() },
    });
  });

  it("is good again when a hold has ended", async () => {
    const admins = await suite.authority("vcc-admin-ca");
    const anna = await suite.issue(ADMINISTRATOR);
    const status = async () => {
      await suite.ocsp.refresh();
      return prove(await ask(suite.url, admins, anna.serial), admins, anna.serial, suite.clock.now()).response;
    };
    expect((await status()).status).toBe("good");
    await suite.revoke(anna, RevocationReason.CERTIFICATE_HOLD);
    expect(await status()).toMatchObject({ status: "revoked", reason: "certificateHold" });
    await suite.release(anna);
    expect((await status()).status).toBe("good");
  });

  it("repeats a nonce, and is made for it", async () => {
    for (const octets of [1, 16, 32, 128]) {
      const nonce = new Uint8Array(octets).fill(octets);
      const response = requireSuccess(await ask(suite.url, issuer, certificate.serial, { nonce }));
      expect(Buffer.from(response.data.known.nonce ?? [])).toEqual(Buffer.from(nonce));
      expect(proven(response, certificate.serial).response.status).toBe("good");
    }
  });

  it("without a nonce was signed ahead: twice the same octets, also with time gone by", async () => {
    const body = question(issuer, [certificate.serial]);
    const first = await (await post(`${suite.url}/ocsp`, body)).bytes();
    suite.clock.advance(60_000);
    expect(await (await post(`${suite.url}/ocsp/${AUTHORITY}`, body)).bytes()).toEqual(first);
  });

  it("speaks of every certificate of a question, each with its own status", async () => {
    const other = await suite.issue();
    await suite.revoke(other);
    await suite.ocsp.pull();
    const serials = [certificate.serial, other.serial, NEVER_ISSUED];
    const response = requireSuccess(
      parseOcspResponse(await (await post(`${suite.url}/ocsp`, question(issuer, serials))).bytes()),
    );
    expect(response.data.responses.map(({ status }) => status)).toEqual(["good", "revoked", "unknown"]);
  });

  it("is unknown for what was never issued, and good as soon as it was", async () => {
    const response = requireSuccess(await ask(suite.url, issuer, NEVER_ISSUED));
    expect(proven(response, NEVER_ISSUED).response.status).toBe("unknown");
    expect(response.data.known.extendedRevoke).toBeUndefined();

    const unheardOf = await suite.issue();
    expect(proven(await ask(suite.url, issuer, unheardOf.serial), unheardOf.serial).response.status).toBe("unknown");
    await suite.ocsp.pull();
    expect(proven(await ask(suite.url, issuer, unheardOf.serial), unheardOf.serial).response.status).toBe("good");
  });

  it("is unauthorized about an issuer that is none of ours, or that has no responder", async () => {
    const root = await suite.authority("vcc-root-ca");
    expect(await ask(suite.url, root, issuer.serial)).toEqual({ responseStatus: "unauthorized" });
    expect(await ask(suite.url, certificate, certificate.serial)).toEqual({ responseStatus: "unauthorized" });
  });

  it("comes only from the authority that the address names, and only from its own data", async () => {
    const platform = await suite.authority("vcc-platform-ca");
    const path = "/ocsp/vcc-platform-ca";
    expect(await ask(suite.url, issuer, certificate.serial, { path })).toEqual({ responseStatus: "unauthorized" });
    const response = await ask(suite.url, platform, certificate.serial, { path });
    expect(prove(response, platform, certificate.serial, suite.clock.now()).response.status).toBe("unknown");
  });
});

describe("a responder told so", () => {
  beforeAll(() => start({ config: { answers: { neverIssued: "revoked", hashes: ["sha1", "sha256"] } } }));
  afterAll(() => suite.close());

  it("says revoked of what was never issued, as RFC 6960 section 4.4.8 has it", async () => {
    const response = requireSuccess(await ask(suite.url, issuer, NEVER_ISSUED));
    expect(response.data.known.extendedRevoke).toBe(true);
    expect(proven(response, NEVER_ISSUED).response).toMatchObject({
      ...{ status: "revoked", reason: "certificateHold", revocationTime: new Date(0) },
    });
  });

  it("signs ahead for SHA-256 as well", async () => {
    const body = question(issuer, [certificate.serial], { hash: "sha256" });
    suite.away.add("hsm-gateway");
    const answer = parseOcspResponse(await (await post(`${suite.url}/ocsp`, body)).bytes());
    expect(proven(answer, certificate.serial).response).toMatchObject({
      ...{ status: "good", certId: { hashAlgorithm: "sha256" } },
    });
    suite.away.clear();
  });
});

describe("a rush of new certificates", () => {
  beforeAll(() => start());
  afterAll(() => suite.close());

  it("has the answers of a hundred a second signed ahead at once, and of the rest half a minute later; until then on demand", async () => {
    suite.clock.advance(1_000);
    const issued: Certificate[] = [];
    for (let i = 0; i < 110; i++) issued.push(await suite.issue());
    await suite.ocsp.pull();
    await suite.ocsp.signDue();
    const ahead = async () => {
      suite.away.add("hsm-gateway");
      const responses = await Promise.all(issued.map(({ serial }) => ask(suite.url, issuer, serial)));
      suite.away.clear();
      return responses.map(({ responseStatus }) => responseStatus === "successful");
    };
    expect(await ahead()).toEqual(issued.map((_, i) => i < 100));
    const { serial = NEVER_ISSUED } = issued.at(-1) ?? {};
    expect(proven(await ask(suite.url, issuer, serial), serial).response.status).toBe("good");
    suite.clock.advance(31_000);
    await suite.ocsp.refresh();
    expect(await ahead()).toEqual(issued.map(() => true));
  });
});
