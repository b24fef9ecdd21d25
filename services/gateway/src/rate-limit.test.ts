import { fakeClock } from "@vcc-pki/testkit/clock";
import { describe, expect, it } from "vitest";
import { createRateLimiter } from "./rate-limit.ts";

const newLimiter = () => {
  const clock = fakeClock();
  return { clock, limiter: createRateLimiter({ perSecond: 2, burst: 3 }, clock) };
};

describe("rate limit", () => {
  it("grants a burst, then says how long to wait, exactly", () => {
    const { clock, limiter } = newLimiter();
    expect([1, 2, 3].map(() => limiter.take("a"))).toEqual([0, 0, 0]);
    expect(limiter.take("a")).toBe(500);
    clock.advance(499);
    expect(limiter.take("a")).toBe(1);
    clock.advance(1);
    expect(limiter.take("a")).toBe(0);
  });

  it("keeps identities apart", () => {
    const { limiter } = newLimiter();
    for (let i = 0; i < 4; i++) limiter.take("a");
    expect(limiter.take("b")).toBe(0);
  });

  it("never saves up more than the burst", () => {
    const { clock, limiter } = newLimiter();
    limiter.take("a");
    clock.advance(3_600_000);
    expect([1, 2, 3].map(() => limiter.take("a"))).toEqual([0, 0, 0]);
    expect(limiter.take("a")).toBeGreaterThan(0);
  });

  it("does not let a caller out of its debt by flooding the table with other keys", () => {
    const { limiter } = newLimiter();
    for (let i = 0; i < 4; i++) limiter.take("a");
    for (let i = 0; i < 10_050; i++) limiter.take(`k${i}`);
    expect(limiter.take("a")).toBeGreaterThan(0);
  });
});
