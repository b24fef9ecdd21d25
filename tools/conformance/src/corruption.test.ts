import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { CORRUPTIONS } from "./corruption.ts";

// Not a certificate: SEQUENCE { UTCTime, 200 octets }, which is what the corruptions look at.
const der = Uint8Array.of(
  0x30,
  0x81,
  15 + 203,
  0x17,
  13,
  ...Buffer.from("261101000000Z"),
  0x04,
  0x81,
  200,
  ...Buffer.alloc(200),
);
const short = Uint8Array.of(0x30, 15, 0x17, 13, ...Buffer.from("261101000000Z"));
const corrupt = (name: string, bytes = der) => {
  const corruption = CORRUPTIONS.find((entry) => entry.name === name);
  if (!corruption) throw new Error(`no corruption ${name}`);
  return Buffer.from(corruption.corrupt(bytes));
};

describe("corruptions", () => {
  it.each(CORRUPTIONS)("$name changes the bytes and leaves the original alone", ({ corrupt }) => {
    const before = createHash("sha256").update(der).digest("hex");
    expect(Buffer.from(corrupt(der)).equals(der)).toBe(false);
    expect(createHash("sha256").update(der).digest("hex")).toBe(before);
  });

  it("changed TBS byte leaves a valid time", () => {
    expect(corrupt("changed TBS byte").toString("latin1")).toContain("261101000001Z");
  });

  it("over-long length says the same length in BER", () => {
    expect([...corrupt("over-long length").subarray(0, 4)]).toEqual([0x30, 0x82, 0, 15 + 203]);
    expect([...corrupt("over-long length", short).subarray(0, 3)]).toEqual([0x30, 0x81, 15]);
  });
});
