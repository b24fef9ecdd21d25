import { hash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { makeKey } from "../../test/keys.ts";
import { openssl } from "../../test/openssl.ts";
import { checkPublicKey, pemEncode } from "../index.ts";
import { parseKeyBlocklist } from "./blocklist.ts";

const rsa = makeKey("rsa-3072");
const ec = makeKey();

describe("key blocklist", () => {
  it("finds an RSA key by its line in the format of openssl-blacklist", () => {
    // As Debian's openssl-vulnkey(1) defines it: openssl rsa -noout -modulus | sha1sum, without the first 20 digits.
    const modulusLine = openssl(["rsa", "-pubin", "-noout", "-modulus", "-in", "k.pem"], {
      "k.pem": pemEncode("PUBLIC KEY", rsa.spkiDer),
    });
    const blocklist = parseKeyBlocklist(`# RSA-3072\n\n${hash("sha1", modulusLine).slice(20)}\n`);
    expect(blocklist.has(rsa.spkiDer)).toBe(true);
    expect(blocklist.has(makeKey("rsa-3072").spkiDer)).toBe(false);
    expect(blocklist.has(ec.spkiDer)).toBe(false);
    expect(() => checkPublicKey(rsa.spkiDer, { blocklist })).toThrow(expect.objectContaining({ code: "KEY_WEAK" }));
  });

  it("finds any key by the SHA-256 of its SubjectPublicKeyInfo", () => {
    const blocklist = parseKeyBlocklist(`${hash("sha256", ec.spkiDer).toUpperCase()}  # published by mistake`);
    expect(blocklist.has(ec.spkiDer)).toBe(true);
    expect(() => checkPublicKey(ec.spkiDer, { blocklist })).toThrow(expect.objectContaining({ code: "KEY_WEAK" }));
    expect(() => checkPublicKey(makeKey().spkiDer, { blocklist })).not.toThrow();
  });

  it.each(["0123456789abcdef012", "g".repeat(64), "deadbeef"])("refuses the line %j", (line) => {
    expect(() => parseKeyBlocklist(line)).toThrow(expect.objectContaining({ code: "CONFIG_INVALID" }));
  });
});
