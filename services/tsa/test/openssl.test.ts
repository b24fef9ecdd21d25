import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { OpensslClient, post } from "./client.ts";
import { newTsa, POLICY, type TsaHarness } from "./harness.ts";

const openssl = new OpensslClient();
let tsa: TsaHarness;

const UNITS = [
  { name: "p256", policies: [POLICY.main] },
  { name: "p384", policies: [POLICY.other], keyAlgorithm: "ec-p384", tsaName: true, accuracy: "100ms" },
  { name: "rsa", policies: [POLICY.main], keyAlgorithm: "rsa-3072", rsaPadding: "pkcs1", certificates: "unit" },
  { name: "coarse", policies: [POLICY.other], etsi: false, accuracy: "4s500ms", fractionDigits: 0, ordering: true },
];

/** Not in the list: OpenSSL's time stamps are PKCS #7, which is older than PSS. */
const PSS = { name: "pss", policies: [POLICY.main], keyAlgorithm: "rsa-3072" };

beforeAll(async () => {
  tsa = await newTsa({ config: { units: [...UNITS, PSS] } });
});

afterAll(async () => {
  openssl.close();
  await tsa.close();
});

describe("OpenSSL accepts tokens", () => {
  it.each(UNITS.map(({ name }) => name))("of unit %s", async (unit) => {
    const query = openssl.query(`by ${unit}`, "-cert", "-sha256");
    const { status, type, body } = await post(tsa.url, query, { path: `/tsa/${unit}` });
    expect({ status, type }).toEqual({ status: 200, type: "application/timestamp-reply" });
    expect(await openssl.verify(tsa, query, body)).toBe("OK");
  });

  it("of a unit that signs with RSA-PSS, which openssl ts cannot and openssl cms can", async () => {
    const query = openssl.query("by pss", "-cert");
    const { body } = await post(tsa.url, query, { path: "/tsa/pss" });
    expect(await openssl.verify(tsa, query, body)).toMatch(/signature failure/);
    expect(await openssl.verifyCms(tsa, body)).toBe("OK");
  });

  it.each(["sha256", "sha384", "sha512", "sha3-256", "sha3-384", "sha3-512"])("over an imprint of %s", async (hash) => {
    const query = openssl.query(hash, `-${hash}`, "-cert");
    expect(await openssl.verify(tsa, query, (await post(tsa.url, query)).body)).toBe("OK");
  });

  it("without certificates, when it has them", async () => {
    const query = openssl.query("bare");
    const { body } = await post(tsa.url, query);
    expect(await openssl.verify(tsa, query, body)).toBe("OK");
    expect(body.length).toBeLessThan(900);
  });

  it("under the policy that was asked for, and not those of another question", async () => {
    const query = openssl.query("policy", "-tspolicy", POLICY.other, "-cert");
    const { body } = await post(tsa.url, query);
    expect(await openssl.verify(tsa, query, body)).toBe("OK");
    expect(openssl.show(body)).toContain(`Policy OID: ${POLICY.other}`);
    expect(await openssl.verify(tsa, openssl.query("something else", "-cert"), body)).toMatch(
      /message imprint mismatch/,
    );
  });
});

describe("a token says", () => {
  const shown = async (unit: string) =>
    openssl.show((await post(tsa.url, openssl.query(unit, "-cert"), { path: `/tsa/${unit}` })).body);

  it("when, how exactly, and in which order by its unit's configuration", async () => {
    const main = await shown("p256");
    expect(main).toContain("Time stamp: Nov 23 12:00:00.25 2026 GMT");
    expect(main).toContain("Accuracy: 0x01 seconds, unspecified millis, unspecified micros");
    expect(main).toContain("Ordering: no");
    expect(main).toContain("TSA: unspecified");
    expect(main).toContain("Extensions:");

    const exact = await shown("p384");
    expect(exact).toContain("Accuracy: unspecified seconds, 0x64 millis, unspecified micros");
    expect(exact).toMatch(/TSA: DirName:\/O=VCC\/CN=spiffe:/);

    tsa.clock.advance(1_000);
    const coarse = await shown("coarse");
    expect(coarse).toContain("Time stamp: Nov 23 12:00:01 2026 GMT");
    expect(coarse).toContain("Accuracy: 0x04 seconds, 0x01F4 millis, unspecified micros");
    expect(coarse).toContain("Ordering: yes");
  });

  it("a serial number of 160 bits that never comes twice", async () => {
    const serials = await Promise.all(
      Array.from({ length: 200 }, async () => {
        const text = openssl.query("serial");
        return (await post(tsa.url, text)).body;
      }),
    );
    const numbers = serials.slice(0, 20).map((body) => /Serial number: 0x([0-9A-F]+)/.exec(openssl.show(body))?.[1]);
    expect(numbers.every((number) => number?.length === 40)).toBe(true);
    expect(new Set(numbers).size).toBe(20);
    expect(tsa.store.db.prepare("SELECT count(DISTINCT serial) = count(*) FROM tokens").pluck().get()).toBe(1);
  });
});
