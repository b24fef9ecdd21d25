import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { pemDecode, pemEncode } from "./pem.ts";

const malformed = expect.objectContaining({ code: "REQUEST_MALFORMED" });

describe("PEM", () => {
  it("wraps at 64 columns and ends with a line feed", () => {
    expect(pemEncode("CERTIFICATE", new Uint8Array(49))).toBe(
      `-----BEGIN CERTIFICATE-----\n${"A".repeat(64)}\nAA==\n-----END CERTIFICATE-----\n`,
    );
  });

  it("reads what it writes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 300 }), (der) => {
        expect(pemDecode(pemEncode("X509 CRL", der))).toEqual([der]);
      }),
    );
  });

  it("takes the blocks with the wanted label and passes over text between them", () => {
    const text = `subject=CN=a\r\n${pemEncode("CERTIFICATE", Uint8Array.of(1)).replaceAll("\n", "\r\n")}
      ${pemEncode("PRIVATE KEY", Uint8Array.of(2))} # and\n${pemEncode("CERTIFICATE", Uint8Array.of(3))}`;
    expect(pemDecode(text, "CERTIFICATE")).toEqual([Uint8Array.of(1), Uint8Array.of(3)]);
    expect(pemDecode(text)).toHaveLength(3);
  });

  it.each([
    ["nothing", ""],
    ["another label", pemEncode("CERTIFICATE REQUEST", Uint8Array.of(1))],
    ["a block without end", "-----BEGIN CERTIFICATE-----\nAQ==\n"],
    ["an end with another label", "-----BEGIN CERTIFICATE-----\nAQ==\n-----END PRIVATE KEY-----\n"],
    ["a good block and a broken one", `${pemEncode("CERTIFICATE", Uint8Array.of(1))}-----BEGIN CERTIFICATE-----\nA`],
    ["missing padding", "-----BEGIN CERTIFICATE-----\nAQ\n-----END CERTIFICATE-----\n"],
    ["padding in the middle", "-----BEGIN CERTIFICATE-----\nAQ==AQ==\n-----END CERTIFICATE-----\n"],
    ["stray bits", "-----BEGIN CERTIFICATE-----\nAR==\n-----END CERTIFICATE-----\n"],
    ["an empty block", "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n"],
  ])("refuses %s", (_, text) => expect(() => pemDecode(text, "CERTIFICATE")).toThrow(malformed));
});
