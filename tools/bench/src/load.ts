import type { Clock } from "@vcc-pki/time";
import { percentile } from "./statistics.ts";

export interface Load {
  /** How many operations are under way at any moment. */
  readonly inFlight: number;
  /** Not counted. */
  readonly warmUpMs: number;
  readonly measureMs: number;
  readonly clock: Clock;
  /** One operation, `sequence` counting from 0. A rejection ends the measurement. */
  operation(sequence: number): Promise<unknown>;
}

export interface LoadFigures {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Operations that count. */
  readonly operations: number;
  /** All that were started, warm-up included. */
  readonly started: number;
}

/** Closed loop: each of `inFlight` workers starts its next operation when its last one has ended. */
export async function measureLoad({ inFlight, warmUpMs, measureMs, clock, operation }: Load): Promise<LoadFigures> {
  const latenciesMs: number[] = [];
  const startedAt = clock.monotonicMs();
  const measureFrom = startedAt + warmUpMs;
  const measureTo = measureFrom + measureMs;
  let sequence = 0;

  const work = async () => {
    for (let from = clock.monotonicMs(); from < measureTo; ) {
      await operation(sequence++);
      const to = clock.monotonicMs();
      // Counted by its end, so that the rate is exact and a slow operation does not escape by straddling the start.
      if (to >= measureFrom && to < measureTo) latenciesMs.push(to - from);
      from = to;
    }
  };
  await Promise.all(Array.from({ length: inFlight }, work));

  const sorted = Float64Array.from(latenciesMs).sort();
  return {
    perSecond: (sorted.length * 1_000) / measureMs,
    p50Ms: percentile(sorted, 0.5),
    p99Ms: percentile(sorted, 0.99),
    operations: sorted.length,
    started: sequence,
  };
}
