import { checkPrimeSync, generateKeyPairSync, generatePrimeSync, randomBytes } from "node:crypto";
import { describe, expect, it } from "vitest";
import { makeKey } from "../../test/keys.ts";
import { openssl } from "../../test/openssl.ts";
import { encode, KEY_ALGORITHMS, type KeyAlgorithmId, OID, TAG } from "../index.ts";
import { checkPublicKey } from "./check-public-key.ts";

const weak = expect.objectContaining({ code: "KEY_WEAK" });
const notAllowed = expect.objectContaining({ code: "KEY_NOT_ALLOWED" });

const E = 65_537n;

function rsaSpki(modulus: bigint, exponent: bigint = E): Uint8Array {
  const key = encode((writer) => {
    writer.integer(exponent);
    writer.integer(modulus);
    writer.wrap(TAG.SEQUENCE, 0);
  });
  return encode((writer) => {
    writer.bitString(key);
    const end = writer.mark();
    writer.primitive(TAG.NULL, new Uint8Array());
    writer.oid(OID.rsaEncryption);
    writer.wrap(TAG.SEQUENCE, end);
    writer.wrap(TAG.SEQUENCE, 0);
  });
}

function spki(type: "ec" | "dsa" | "x25519" | "rsa-pss", options: object): Uint8Array {
  const { publicKey } = generateKeyPairSync(type as "ec", options as { namedCurve: string });
  return new Uint8Array(publicKey.export({ type: "spki", format: "der" }));
}

function edSpki(pointHex: string): Uint8Array {
  return new Uint8Array(Buffer.from(`302a300506032b6570032100${pointHex}`, "hex"));
}

const prime = (bits: number) => generatePrimeSync(bits, { bigint: true });
/** Two random primes: nothing wrong with it. */
const MODULUS = prime(1536) * prime(1536);

function nextPrime(start: bigint): bigint {
  let candidate = start + 2n;
  while (!checkPrimeSync(candidate, { checks: 1 })) candidate += 2n;
  return candidate;
}

/** A prime as the broken library of CVE-2017-15361 made them: k M + (65537^a mod M), M the product of the first 126 primes. */
function rocaPrime(): bigint {
  const primes: bigint[] = [];
  for (let n = 2n; primes.length < 126; n++) if (primes.every((p) => n % p !== 0n)) primes.push(n);
  const m = primes.reduce((product, p) => product * p, 1n);
  let power = 1n;
  for (let a = randomBytes(2).readUInt16BE(); a > 0; a--) power = (power * E) % m;
  let k = (3n << 1534n) / m + BigInt(`0x${randomBytes(60).toString("hex")}`);
  while (!checkPrimeSync(k * m + power, { checks: 1 })) k++;
  return k * m + power;
}

describe("checkPublicKey", () => {
  it.each(Object.keys(KEY_ALGORITHMS) as KeyAlgorithmId[])("takes a fresh %s key", (id) => {
    expect(() => checkPublicKey(makeKey(id).spkiDer)).not.toThrow();
  });

  it("takes every Ed25519 key a generator makes", () => {
    for (let i = 0; i < 50; i++) checkPublicKey(makeKey("ed25519").spkiDer);
  });

  it("holds RSA keys to the minimum size, 3072 bits unless told otherwise", () => {
    const rsa2048 = rsaSpki(prime(1024) * prime(1024));
    expect(() => checkPublicKey(rsa2048)).toThrow(weak);
    expect(() => checkPublicKey(rsa2048, { minimumRsaBits: 2048 })).not.toThrow();
    expect(() => checkPublicKey(rsaSpki(MODULUS))).not.toThrow();
    expect(() => checkPublicKey(rsaSpki(MODULUS >> 1n))).toThrow(weak);
  });

  it.each([
    ["1", 1n],
    ["3", 3n],
    ["65535", 65_535n],
    ["65536, even", 65_536n],
    ["even and large", 2n ** 200n],
    ["2^256 + 1", 2n ** 256n + 1n],
    ["0", 0n],
  ])("refuses the RSA exponent %s", (_, exponent) => {
    expect(() => checkPublicKey(rsaSpki(MODULUS, exponent))).toThrow(weak);
  });

  it("refuses moduli with a small factor, even ones included", () => {
    expect(() => checkPublicKey(rsaSpki(prime(3070) * 7n))).toThrow(weak);
    expect(() => checkPublicKey(rsaSpki(prime(3070) * 751n))).toThrow(weak);
    expect(() => checkPublicKey(rsaSpki(MODULUS & ~1n))).toThrow(weak);
  });

  it("refuses a modulus whose factors are close, or equal", () => {
    const p = prime(1536);
    expect(() => checkPublicKey(rsaSpki(p * nextPrime(p)))).toThrow(weak);
    expect(() => checkPublicKey(rsaSpki(p * p))).toThrow(weak);
  });

  it("refuses a key of the ROCA generator", () => {
    expect(() => checkPublicKey(rsaSpki(rocaPrime() * rocaPrime()))).toThrow(weak);
  });

  it("does no arithmetic on a modulus above 16384 bits", () => {
    expect(() => checkPublicKey(rsaSpki(1n << 16_400n))).toThrow(notAllowed);
    expect(() => checkPublicKey(rsaSpki(1n << 100_000n))).toThrow(notAllowed);
    expect(() => checkPublicKey(rsaSpki(1n << 200_000n))).toThrow(expect.objectContaining({ code: "DER_MALFORMED" }));
  });

  it.each([
    ["P-192", spki("ec", { namedCurve: "prime192v1" }), weak],
    ["P-224", spki("ec", { namedCurve: "secp224r1" }), weak],
    ["secp256k1", spki("ec", { namedCurve: "secp256k1" }), notAllowed],
    ["brainpoolP512r1", spki("ec", { namedCurve: "brainpoolP512r1" }), notAllowed],
    ["P-256 with parameters spelt out", spki("ec", { namedCurve: "P-256", paramEncoding: "explicit" }), notAllowed],
    ["DSA", spki("dsa", { modulusLength: 2048, divisorLength: 256 }), notAllowed],
    ["X25519", spki("x25519", {}), notAllowed],
    ["RSASSA-PSS as a key type", spki("rsa-pss", { modulusLength: 3072 }), notAllowed],
  ])("refuses a %s key", (_, spkiDer, error) => expect(() => checkPublicKey(spkiDer)).toThrow(error));

  it("refuses points off the curve, compressed, at infinity or of the wrong length", () => {
    const { spkiDer } = makeKey("ec-p256");
    const withPoint = (point: Uint8Array) =>
      encode((writer) => {
        writer.bitString(point);
        writer.raw(spkiDer.subarray(2, 23));
        writer.wrap(TAG.SEQUENCE, 0);
      });
    const point = spkiDer.slice(-65);
    expect(() => checkPublicKey(withPoint(point))).not.toThrow();
    const compressed = Uint8Array.of(0x02 | ((point[64] as number) & 1), ...point.subarray(1, 33));
    expect(() => checkPublicKey(withPoint(compressed))).toThrow(notAllowed);
    expect(() => checkPublicKey(withPoint(Uint8Array.of(0)))).toThrow(notAllowed);
    expect(() => checkPublicKey(withPoint(point.subarray(0, 64)))).toThrow(notAllowed);
    expect(() => checkPublicKey(withPoint(Uint8Array.of(6, ...point.subarray(1))))).toThrow(notAllowed);
    const offCurve = point.with(64, (point[64] as number) ^ 1);
    expect(() => checkPublicKey(withPoint(offCurve))).toThrow(weak);
    expect(() => checkPublicKey(withPoint(point.fill(0, 1)))).toThrow(weak);
  });

  it.each([
    ["order 1", `01${"00".repeat(31)}`],
    ["order 2", `ec${"ff".repeat(30)}7f`],
    ["order 4", "00".repeat(32)],
    ["order 4, other sign", `${"00".repeat(31)}80`],
    ["order 8", "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"],
    ["order 8, other sign", "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85"],
    ["order 8, other y", "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"],
    ["order 8, other y and sign", "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa"],
    ["order 4, not canonical", `ed${"ff".repeat(30)}7f`],
    ["order 1, not canonical", `ee${"ff".repeat(30)}7f`],
    ["no order: y = 2 is not on the curve", `02${"00".repeat(31)}`],
  ])("refuses an Ed25519 point of %s", (_, pointHex) => expect(() => checkPublicKey(edSpki(pointHex))).toThrow(weak));

  it("agrees with OpenSSL about which Ed25519 keys are points", () => {
    // The base point of RFC 8032 section 5.1, as a key.
    const base = edSpki(`58${"66".repeat(31)}`);
    expect(() => checkPublicKey(base)).not.toThrow();
    expect(
      openssl(["pkey", "-pubin", "-inform", "DER", "-in", "k.der", "-noout", "-text"], { "k.der": base }),
    ).toContain("ED25519");
  });

  it.each([
    ["nothing", ""],
    ["an Ed25519 key of 31 octets", `3029300506032b6570032000${"11".repeat(31)}`],
    ["an Ed25519 key with parameters", `302c300706032b65700500032100${"11".repeat(32)}`],
    ["an RSA key without parameters", "3016300b06092a864886f70d0101010307003004020103020101"],
    ["a trailing octet", `302a300506032b6570032100${"11".repeat(32)}00`],
  ])("calls %s malformed", (_, hex) => {
    const spkiDer = new Uint8Array(Buffer.from(hex, "hex"));
    expect(() => checkPublicKey(spkiDer)).toThrow(expect.objectContaining({ code: "DER_MALFORMED" }));
  });
});
