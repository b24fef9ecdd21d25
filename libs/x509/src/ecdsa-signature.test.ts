import { generateKeyPairSync, sign, verify } from "node:crypto";
import { describe, expect, it } from "vitest";
import { ecdsaDerToRaw, rawEcdsaToDer } from "./ecdsa-signature.ts";

const malformed = expect.objectContaining({ code: "DER_MALFORMED" });
const hex = (text: string) => new Uint8Array(Buffer.from(text, "hex"));

describe("ECDSA signature forms", () => {
  it.each([
    ["prime256v1", 32],
    ["secp384r1", 48],
    ["secp521r1", 66],
    ["brainpoolP256r1", 32],
  ] as const)("agree with OpenSSL on %s", (namedCurve, size) => {
    const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve });
    for (let i = 0; i < 40; i++) {
      const data = Uint8Array.of(i);
      const raw = new Uint8Array(sign("sha256", data, { key: privateKey, dsaEncoding: "ieee-p1363" }));
      expect(verify("sha256", data, publicKey, rawEcdsaToDer(raw))).toBe(true);
      const der = new Uint8Array(sign("sha256", data, privateKey));
      expect(verify("sha256", data, { key: publicKey, dsaEncoding: "ieee-p1363" }, ecdsaDerToRaw(der, size))).toBe(
        true,
      );
      expect(rawEcdsaToDer(ecdsaDerToRaw(der, size))).toEqual(der);
    }
  });

  it("writes minimal numbers and pads them back", () => {
    const raw = hex(`0001${"80ff".padStart(4, "0")}`);
    expect(rawEcdsaToDer(raw)).toEqual(hex("3008020101020300" + "80ff"));
    expect(ecdsaDerToRaw(hex("3008020101020300" + "80ff"), 2)).toEqual(raw);
  });

  it.each([
    ["r = 0", "3006020100020101"],
    ["s = 0", "3006020101020100"],
    ["a negative number", "3006020101020180"],
    ["a padded number", "300702020001020101"],
    ["a number wider than the curve", "300802010102030100" + "00"],
    ["three numbers", "3009020101020101020101"],
    ["one number", "3003020101"],
    ["trailing octets", "300602010102010100"],
  ])("refuses %s", (_, der) => expect(() => ecdsaDerToRaw(hex(der), 2)).toThrow(malformed));

  it.each(["", "01", "010203", "00000001", "00010000"])("refuses r || s of %j", (raw) =>
    expect(() => rawEcdsaToDer(hex(raw))).toThrow(malformed),
  );
});
