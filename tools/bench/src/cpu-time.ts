import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import type { LoadFigures } from "./load.ts";

/** Clock ticks per second (sysconf(_SC_CLK_TCK)). */
const TICKS_PER_SECOND = Number(execFileSync("getconf", ["CLK_TCK"], { encoding: "utf8" }));

/** Processor time a process has used so far, all its threads, in microseconds (utime + stime of proc(5)). */
function cpuTimeUs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  // The command's name stands in parentheses and may contain anything; field 3 follows it.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return ((Number(fields[11]) + Number(fields[12])) * 1e6) / TICKS_PER_SECOND;
}

export type WithCpu<Name extends string> = LoadFigures & {
  /** Processor time of each process per operation, in microseconds. */
  readonly cpuUs: Readonly<Record<Name, number>>;
};

/** Runs a load and divides what the processes used meanwhile by the operations that were started. */
export async function withCpuTimes<Name extends string>(
  pids: Readonly<Record<Name, number>>,
  load: () => Promise<LoadFigures>,
): Promise<WithCpu<Name>> {
  const names = Object.keys(pids) as Name[];
  const before = names.map((name) => cpuTimeUs(pids[name]));
  const figures = await load();
  const used = names.map((name, i) => [name, (cpuTimeUs(pids[name]) - (before[i] ?? 0)) / figures.started]);
  return { ...figures, cpuUs: Object.fromEntries(used) };
}
