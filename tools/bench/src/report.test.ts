import { describe, expect, it } from "vitest";
import type { Machine } from "./machine.ts";
import { buildReport, formatNumber, renderTable } from "./report.ts";

const machine: Machine = { cpu: "test", cores: 2, memoryBytes: 1, platform: "linux", node: "v26", openssl: "3" };

describe("report", () => {
  const report = buildReport("issuance", machine, [
    {
      name: "rate",
      unit: "/s",
      values: [1_600, 1_400, 1_500],
      target: { atLeast: 1_500 },
      baselines: [
        { name: "openssl", value: 20 },
        { name: "token", value: 15_000 },
      ],
    },
    { name: "p99", unit: "ms", values: [120, 101, 130], target: { atMost: 100 } },
  ]);

  it("gives median, spread, target and the ratio to the baseline of the same run", () => {
    expect(report.figures[0]).toMatchObject({
      median: 1_500,
      min: 1_400,
      max: 1_600,
      runs: [1_600, 1_400, 1_500],
      targetMet: true,
      baseline: "openssl",
      ratio: 75,
      baselines: [{ ratio: 75 }, { ratio: 0.1 }],
    });
  });

  it("says when a target is missed", () => expect(report.figures[1]).toMatchObject({ targetMet: false }));

  it("survives JSON", () => expect(JSON.parse(JSON.stringify(report))).toEqual(report));

  it("is a table for people", () => {
    const text = renderTable(report);
    expect(text).toContain(">= 1,500 met");
    expect(text).toContain("<= 100 MISSED");
    expect(text).toContain("75x");
  });
});

describe("formatNumber", () => {
  it.each([
    [0.1634, "0.163"],
    [7.456, "7.46"],
    [999.4, "999"],
    [15_234.4, "15,234"],
  ])("%d reads %s", (value, text) => expect(formatNumber(value)).toBe(text));
});
