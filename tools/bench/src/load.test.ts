import { fakeClock } from "@vcc-pki/testkit/clock";
import { describe, expect, it } from "vitest";
import { measureLoad } from "./load.ts";

describe("measureLoad", () => {
  it("counts what ends after the warm-up, by its rate and latency", async () => {
    const clock = fakeClock();
    const figures = await measureLoad({
      inFlight: 1,
      warmUpMs: 100,
      measureMs: 1_000,
      clock,
      // 4 ms each, every hundredth 54 ms.
      operation: async (sequence) => clock.advance(sequence % 100 === 99 ? 54 : 4),
    });
    expect(figures.p50Ms).toBe(4);
    expect(figures.p99Ms).toBe(4);
    expect(figures.perSecond).toBeGreaterThan(220);
    expect(figures.perSecond).toBeLessThan(250);
    expect(figures.operations).toBe(figures.perSecond);
  });

  it("keeps the given number in flight", async () => {
    const clock = fakeClock();
    let now = 0;
    let most = 0;
    await measureLoad({
      inFlight: 64,
      warmUpMs: 0,
      measureMs: 50,
      clock,
      async operation(sequence) {
        most = Math.max(most, ++now);
        await Promise.resolve();
        if (sequence % 64 === 63) clock.advance(1);
        now--;
      },
    });
    expect(most).toBe(64);
  });

  it("stops with the error of an operation", async () => {
    const failing = measureLoad({
      inFlight: 2,
      warmUpMs: 0,
      measureMs: 10,
      clock: fakeClock(),
      operation: () => Promise.reject(new Error("refused")),
    });
    await expect(failing).rejects.toThrow("refused");
  });
});
