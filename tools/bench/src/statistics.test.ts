import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { percentile, spreadOf } from "./statistics.ts";

describe("percentile", () => {
  it.each([
    [0.5, 3],
    [0.99, 5],
    [0.2, 1],
    [0, 1],
    [1, 5],
  ])("%d of 1..5 is %d", (share, expected) => expect(percentile([1, 2, 3, 4, 5], share)).toBe(expected));

  it("is never exceeded by more than the rest", () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer(), { minLength: 1 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (values, share) => {
          const sorted = values.toSorted((a, b) => a - b);
          const above = sorted.filter((value) => value > percentile(sorted, share)).length;
          expect(above).toBeLessThanOrEqual(Math.floor((1 - share) * sorted.length + 1e-9));
        },
      ),
    );
  });

  it("has no answer without samples", () => expect(() => percentile([], 0.5)).toThrow());
});

describe("spreadOf", () => {
  it.each([
    [[7], { median: 7, min: 7, max: 7 }],
    [[3, 1, 2], { median: 2, min: 1, max: 3 }],
    [[4, 1, 2, 10], { median: 3, min: 1, max: 10 }],
    [[10, 9], { median: 9.5, min: 9, max: 10 }],
  ])("%j", (values, expected) => expect(spreadOf(values)).toEqual(expected));
});
