import Table from "cli-table3";
import type { Baseline, Figure, Target } from "./bench.ts";
import type { Machine } from "./machine.ts";
import { type Spread, spreadOf } from "./statistics.ts";

export interface ReportedBaseline extends Baseline {
  /** Median of the figure divided by the baseline. */
  readonly ratio: number;
}

export interface ReportedFigure extends Spread {
  readonly figure: string;
  readonly unit: string;
  readonly runs: readonly number[];
  readonly target?: Target;
  readonly targetMet?: boolean;
  readonly baseline?: string;
  readonly ratio?: number;
  readonly baselines: readonly ReportedBaseline[];
}

/** What `./pki bench --json` prints for one bench. */
export interface Report {
  readonly name: string;
  readonly machine: Machine;
  readonly figures: readonly ReportedFigure[];
}

export function buildReport(name: string, machine: Machine, figures: readonly Figure[]): Report {
  return { name, machine, figures: figures.map(reportFigure) };
}

function reportFigure({ name, unit, values, target, baselines = [] }: Figure): ReportedFigure {
  const spread = spreadOf(values);
  const compared = baselines.map((baseline) => ({ ...baseline, ratio: spread.median / baseline.value }));
  return {
    figure: name,
    unit,
    ...spread,
    runs: values,
    ...(target && { target, targetMet: isMet(target, spread.median) }),
    ...(compared[0] && { baseline: compared[0].name, ratio: compared[0].ratio }),
    baselines: compared,
  };
}

const isMet = (target: Target, value: number): boolean =>
  "atLeast" in target ? value >= target.atLeast : value <= target.atMost;

/** The same report for people. */
export function renderTable({ name, figures }: Report): string {
  const table = new Table({
    head: [name, "median", "min", "max", "unit", "target", "baseline", "ratio"],
    colAligns: ["left", "right", "right", "right", "left", "left", "left", "right"],
    style: { head: [], border: [], compact: true },
  });
  for (const row of figures) {
    table.push([
      row.figure,
      formatNumber(row.median),
      formatNumber(row.min),
      formatNumber(row.max),
      row.unit,
      formatTarget(row),
      row.baselines.map(({ name, value }) => `${name}: ${formatNumber(value)}`).join("\n"),
      row.baselines.map(({ ratio }) => `${formatNumber(ratio)}x`).join("\n"),
    ]);
  }
  return table.toString();
}

function formatTarget({ target, targetMet }: ReportedFigure): string {
  if (target === undefined) return "";
  const bound = "atLeast" in target ? `>= ${formatNumber(target.atLeast)}` : `<= ${formatNumber(target.atMost)}`;
  return `${bound} ${targetMet ? "met" : "MISSED"}`;
}

/** Three significant digits below a thousand, whole numbers above. */
export function formatNumber(value: number): string {
  return Math.abs(value) >= 1_000
    ? value.toLocaleString("en-US", { maximumFractionDigits: 0 })
    : value.toLocaleString("en-US", { maximumSignificantDigits: 3 });
}
