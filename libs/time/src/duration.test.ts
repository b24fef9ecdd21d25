import { describe, expect, it } from "vitest";
import { formatDuration, parseDuration } from "./index.ts";

describe("durations", () => {
  it.each([
    ["90d", 90 * 86_400_000],
    ["24h", 86_400_000],
    ["1h30m", 5_400_000],
    ["500ms", 500],
    ["2y", 730 * 86_400_000],
  ])("%s is %d ms", (text, ms) => expect(parseDuration(text)).toBe(ms));

  it.each(["", "90", "d", "-1d", "1.5h", "1w", "1d "])("refuses %j", (text) => {
    expect(() => parseDuration(text)).toThrow(expect.objectContaining({ code: "CONFIG_INVALID" }));
  });

  it.each([
    [93_600_000, "1d 2h"],
    [0, "0s"],
    [-1_500, "-1s 500ms"],
  ])("%d ms reads %s", (ms, text) => expect(formatDuration(ms)).toBe(text));
});
