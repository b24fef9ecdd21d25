import { fakeClock } from "@vcc-pki/testkit/clock";
import { describe, expect, it } from "vitest";
import { SERIAL_OCTETS, SerialSource } from "./serial.ts";

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");
const AT = new Date("2026-11-23T12:00:00.123Z");

describe("serial numbers", () => {
  it("are generation, milliseconds, counter and randomness", () => {
    const source = new SerialSource(3, fakeClock(AT), (bytes) => bytes.fill(0xab));
    expect(hex(source.next())).toBe(`03${AT.getTime().toString(16).padStart(12, "0")}0000${"ab".repeat(10)}`);
    expect(hex(source.next())).toBe(`03${AT.getTime().toString(16).padStart(12, "0")}0001${"ab".repeat(10)}`);
  });

  it("only grow, even when the clock goes back and the counter runs over", () => {
    const clock = fakeClock(AT);
    const source = new SerialSource(1, clock);
    let last = "";
    for (let i = 0; i < 70_000; i++) {
      if (i === 100) clock.step(-60_000);
      const serial = hex(source.next());
      if (serial <= last) throw new Error(`serial ${i} does not grow`);
      last = serial;
    }
  });

  it("never repeat their random part within one fill of the pool", () => {
    const source = new SerialSource(1, fakeClock(AT));
    const tails = Array.from({ length: 1000 }, () => hex(source.next()).slice(18));
    expect(new Set(tails).size).toBe(tails.length);
  });

  it("are positive and fit the 20 octets of RFC 5280", () => {
    const serial = new SerialSource(0x7f, fakeClock(AT)).next();
    expect(serial.length).toBe(SERIAL_OCTETS);
    expect(serial[0]).toBe(0x7f);
  });

  it.each([0, 128, 1.5])("refuse generation %d", (generation) => {
    expect(() => new SerialSource(generation, fakeClock(AT))).toThrow("generation");
  });
});
