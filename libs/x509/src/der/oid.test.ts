import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeOid, encodeOid } from "./oid.ts";

const malformed = expect.objectContaining({ code: "DER_MALFORMED" });
const bytes = (hex: string) => new Uint8Array(Buffer.from(hex, "hex"));

describe("OBJECT IDENTIFIER", () => {
  it.each([
    ["2.5.4.3", "550403"],
    ["1.2.840.113549.1.1.11", "2a864886f70d01010b"],
    ["0.9.2342.19200300.100.1.25", "0992268993f22c640119"],
    ["2.999", "8837"],
    // X.667: a UUID as one arc of 128 bits.
    ["2.25.329800735698586629295641978511506172918", "6983f09da7ebcfdee0c7a1a7b2c0948cc8f9d776"],
  ])("%s is %s", (text, hex) => {
    expect(Buffer.from(encodeOid(text)).toString("hex")).toBe(hex);
    expect(decodeOid(bytes(hex))).toBe(text);
  });

  it("reads what it writes", () => {
    const arc = fc.oneof(fc.nat().map(String), fc.bigInt({ min: 0n, max: 2n ** 126n }).map(String));
    const oid = fc
      .tuple(fc.constantFrom("0", "1", "2"), fc.nat(39), fc.array(arc, { maxLength: 2 }))
      .map(([first, second, rest]) => [first, second, ...rest].join("."));
    fc.assert(
      fc.property(oid, (text) => {
        expect(decodeOid(encodeOid(text))).toBe(text);
      }),
    );
  });

  it.each([
    ["empty", ""],
    ["arc with leading zeros", "558003"],
    ["arc without end", "5583"],
    ["arc above 128 bits", `55${"ff".repeat(19)}7f`],
    ["more than 64 octets", "01".repeat(65)],
  ])("refuses %s", (_, hex) => expect(() => decodeOid(bytes(hex))).toThrow(malformed));

  it.each(["", "1", "3.1", "1.40", "1.2.", "1.2.03", "1.2.-1", "1..2", "a.b", `1.2.${"9".repeat(40)}`])(
    "does not encode %j",
    (text) => expect(() => encodeOid(text)).toThrow(malformed),
  );
});
