import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DerReader } from "./reader.ts";
import { primitiveContext, TAG } from "./tags.ts";
import { encode } from "./writer.ts";

const malformed = expect.objectContaining({ code: "DER_MALFORMED" });
const over = (hex: string) => DerReader.over(new Uint8Array(Buffer.from(hex, "hex")));

describe("DerReader", () => {
  it.each([
    ["nothing", ""],
    ["a tag without length", "30"],
    ["a length without content", "0401"],
    ["a long length cut short", "0482"],
    ["an indefinite length", "30800000"],
    ["a long form where the short one fits", "048101ff"],
    ["a long form with a leading zero", `04820080${"00".repeat(128)}`],
    ["a length of five octets", `04850000000001ff`],
    ["a length beyond the end", "0484ffffffff"],
    ["a tag number above 30", "1f2101ff"],
    ["end-of-contents octets", "0000"],
  ])("refuses %s", (_, hex) => expect(() => over(hex).element()).toThrow(malformed));

  it("refuses what is left over", () => {
    const reader = over("040101aa");
    reader.octetString();
    expect(() => reader.end()).toThrow(malformed);
    expect(() => DerReader.whole(new Uint8Array([0x30, 0x00, 0x00]), TAG.SEQUENCE, () => 0)).toThrow(malformed);
    expect(() => DerReader.whole(new Uint8Array([0x30, 0x02, 0x05, 0x00]), TAG.SEQUENCE, () => 0)).toThrow(malformed);
  });

  it("refuses another tag than the expected one", () => expect(() => over("040100").integer()).toThrow(malformed));

  it("refuses input above the given size", () => {
    expect(() => DerReader.over(new Uint8Array(11), 10)).toThrow(malformed);
  });

  it("goes 32 levels deep and no further", () => {
    const nested = (depth: number) =>
      encode((writer) => Array.from({ length: depth }, () => writer.wrap(TAG.SEQUENCE, 0)));
    expect(() => DerReader.over(nested(32)).skipChecked()).not.toThrow();
    expect(() => DerReader.over(nested(33)).skipChecked()).toThrow(malformed);
  });

  it("keeps inside the value it has entered", () => {
    const reader = over("3003040100040102");
    const inner = reader.enter(TAG.SEQUENCE);
    expect(inner.octetString()).toEqual(Uint8Array.of(0));
    expect(inner.atEnd).toBe(true);
    expect(() => inner.element()).toThrow(malformed);
    expect(() => over("30020402ffff").enter(TAG.SEQUENCE).octetString()).toThrow(malformed);
  });

  it.each([
    ["0200", "empty"],
    ["02020001", "padded with 00"],
    ["0202ffff", "padded with ff"],
  ])("refuses INTEGER %s, %s", (hex) => expect(() => over(hex).integer()).toThrow(malformed));

  it.each([
    ["020100", 0],
    ["02020080", 128],
    ["02067fffffffffff", 2 ** 47 - 1],
  ])("reads %s as %d", (hex, value) => expect(over(hex).smallInteger()).toBe(value));

  it.each(["0201ff", "020701000000000000"])("refuses %s as a small number", (hex) =>
    expect(() => over(hex).smallInteger()).toThrow(malformed),
  );

  it.each(["010101", "01020000", "0100"])("refuses BOOLEAN %s", (hex) =>
    expect(() => over(hex).boolean()).toThrow(malformed),
  );

  it("refuses a DEFAULT FALSE that is encoded", () => {
    expect(over("0101ff").booleanDefaultFalse()).toBe(true);
    expect(over("0500").booleanDefaultFalse()).toBe(false);
    expect(() => over("010100").booleanDefaultFalse()).toThrow(malformed);
  });

  it.each(["0300", "030101", "03020800", "030205a8", "030207c0", "03020000"])(
    "refuses BIT STRING %s with named bits",
    (hex) => expect(() => over(hex).namedBits()).toThrow(malformed),
  );

  it("refuses a key or signature that is not whole octets", () => {
    expect(over("030200aa").bitStringOctets()).toEqual(Uint8Array.of(0xaa));
    expect(() => over("030204a0").bitStringOctets()).toThrow(malformed);
    expect(() => over("0300").bitStringOctets()).toThrow(malformed);
  });

  it("refuses NULL with content", () => expect(() => over("050100").null()).toThrow(malformed));

  it("refuses an empty list where one is not allowed", () => {
    expect(() => over("3000").listOf(TAG.SEQUENCE, (list) => list.oid())).toThrow(malformed);
    expect(over("3000").listOf(TAG.SEQUENCE, (list) => list.oid(), 0)).toEqual([]);
  });

  it.each(["010101", "02020001", "0a020001", "030107", "03020101", "0300", "050100", "06028001", "3003010101"])(
    "does not pass over %s, which is not DER",
    (hex) => expect(() => over(hex).skipChecked()).toThrow(malformed),
  );

  it("never throws anything but DER_MALFORMED", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        try {
          DerReader.over(bytes).skipChecked();
        } catch (error) {
          expect(error).toEqual(malformed);
        }
      }),
      { numRuns: 2000 },
    );
  });
});

describe("DerWriter and DerReader", () => {
  it("agree on numbers", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 200n }), (value) => {
        const content = DerReader.over(encode((writer) => writer.integer(value))).integer();
        expect(BigInt(`0x${Buffer.from(content).toString("hex")}`)).toBe(value);
      }),
    );
  });

  it("agree on named bits", () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat(40)), (bits) => {
        const der = encode((writer) => writer.namedBits(bits, primitiveContext(3)));
        expect(DerReader.over(der).namedBits(primitiveContext(3))).toEqual(bits.toSorted((a, b) => a - b));
      }),
    );
  });

  it("agree on lengths around every boundary, from a small buffer on", () => {
    for (const length of [0, 1, 127, 128, 255, 256, 65_535, 65_536, 1 << 24]) {
      const content = new Uint8Array(length).fill(7);
      const der = encode((writer) => writer.octetString(content), 4);
      expect(DerReader.over(der).octetString().length).toBe(length);
    }
  });

  it("do not write negative numbers", () => expect(() => encode((writer) => writer.integer(-1))).toThrow(RangeError));
});
