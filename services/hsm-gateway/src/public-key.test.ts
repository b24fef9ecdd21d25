import { describe, expect, it } from "vitest";
import { decodePoint } from "./public-key.ts";

const octets = (length: number, first = 0x04) => Buffer.concat([Buffer.of(first), Buffer.alloc(length - 1, 0x55)]);

describe("CKA_EC_POINT", () => {
  it.each([
    ["ec-p256", 65, "0441"],
    ["ec-brainpoolp256r1", 65, "0441"],
    ["ec-p384", 97, "0461"],
    ["ec-p521", 133, "048185"],
    ["ed25519", 32, "0420"],
  ] as const)("of %s is taken bare or in its OCTET STRING, by its length", (algorithm, size, header) => {
    const point = octets(size);
    expect(decodePoint(point, algorithm)).toEqual(point);
    expect(decodePoint(Buffer.concat([Buffer.from(header, "hex"), point]), algorithm)).toEqual(point);
  });

  it("that begins like an OCTET STRING is still a bare point", () => {
    // Tried as DER first, 04 3F … would be 63 octets; a P-256 point with x = 3f… looks just like that.
    const point = Buffer.concat([Buffer.of(0x04, 0x3f), Buffer.alloc(63, 0x55)]);
    expect(decodePoint(point, "ec-p256")).toEqual(point);
  });

  it.each([
    ["another curve's", octets(97)],
    ["a compressed point", octets(33, 0x02)],
    ["a wrong header", Buffer.concat([Buffer.of(0x04, 0x40), octets(65)])],
    ["not an uncompressed point", octets(65, 0x06)],
    ["nothing", Buffer.alloc(0)],
  ])("of P-256 is refused: %s", (_, value) => {
    expect(() => decodePoint(value, "ec-p256")).toThrow();
  });
});
