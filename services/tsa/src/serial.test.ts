import { fakeClock } from "@vcc-pki/testkit/clock";
import { describe, expect, it } from "vitest";
import { SerialSource } from "./serial.ts";

describe("serial numbers", () => {
  it.each(["1970-01-01T00:00:00Z", "2026-11-23T12:00:00Z", "2099-12-31T23:59:59Z"])(
    "at %s have 160 bits, are positive and in their shortest form",
    (now) => {
      const serials = new SerialSource(fakeClock(now));
      for (let i = 0; i < 1_000; i++) {
        const serial = serials.next();
        expect(serial).toHaveLength(20);
        expect(serial[0]).toBeGreaterThanOrEqual(0x40);
        expect(serial[0]).toBeLessThan(0x80);
      }
    },
  );

  it("have 128 random bits each, also after the clock was set back", () => {
    const clock = fakeClock();
    let filled = 0;
    const serials = new SerialSource(clock, (octets) => {
      for (let i = 0; i < octets.length; i += 16) octets.fill(++filled & 0xff, i, i + 16);
    });
    const first = serials.next();
    clock.step(-86_400_000);
    const second = serials.next();
    expect([first.subarray(4), second.subarray(4)]).toEqual([new Uint8Array(16).fill(1), new Uint8Array(16).fill(2)]);
    for (let i = 0; i < 300; i++) serials.next();
    expect(filled).toBe(512);
  });

  it("made in one moment are neighbours", () => {
    const serials = new SerialSource(fakeClock());
    const starts = Array.from({ length: 10 }, () => Buffer.from(serials.next().subarray(0, 4)).toString("hex"));
    expect(new Set(starts).size).toBe(1);
  });
});
