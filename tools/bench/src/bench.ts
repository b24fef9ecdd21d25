import type { Program } from "./programs.ts";

/** A bound the issue sets for a figure. */
export type Target = { readonly atLeast: number } | { readonly atMost: number };

/** What a figure is compared with: measured on this machine in the same run, same unit. */
export interface Baseline {
  readonly name: string;
  readonly value: number;
}

/** One measured quantity; `values` has one entry per run. The first baseline gives the headline ratio. */
export interface Figure {
  readonly name: string;
  readonly unit: string;
  readonly values: readonly number[];
  readonly target?: Target;
  readonly baselines?: readonly Baseline[];
}

export interface BenchContext {
  /** How often each figure is measured. */
  readonly runs: number;
  /** An empty directory on the disk that is measured; removed afterwards. */
  readonly workDirectory: string;
  /** Says on stderr what is going on. */
  progress(message: string): void;
}

/** Measures and reports; never judges. A figure that misses its target is a row that says so, not a failure. */
export interface Bench {
  readonly name: string;
  readonly summary: string;
  /** Programs without which it is passed over. */
  readonly needs?: readonly Program[];
  run(context: BenchContext): Promise<Figure[]>;
}
