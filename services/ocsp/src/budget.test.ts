import { fakeClock } from "@vcc-pki/testkit/clock";
import { describe, expect, it } from "vitest";
import { Budget } from "./budget.ts";

describe("Budget", () => {
  it("gives a second's worth at most, and refills by the counter that no clock step moves", () => {
    const clock = fakeClock();
    const budget = new Budget(clock, 100);
    expect([budget.take(80), budget.take(80), budget.take(1)]).toEqual([80, 20, 0]);
    clock.step(86_400_000);
    expect(budget.take(1)).toBe(0);
    clock.advance(500);
    expect(budget.take(80)).toBe(50);
    clock.advance(60_000);
    expect(budget.take(1_000)).toBe(100);
  });
});
