import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

/** Clock ticks per second (sysconf(_SC_CLK_TCK)). */
const TICKS_PER_SECOND = Number(execFileSync("getconf", ["CLK_TCK"], { encoding: "utf8" }));

/** Every program that this process has run and waited for, `wrk` for one. */
export const OUR_PROGRAMS = "our programs";

export type Measurable = number | typeof OUR_PROGRAMS;

/** Processor time used so far in microseconds (proc(5)): of a process all its threads (utime + stime), of our programs what they used
 *  until they ended (cutime + cstime). */
export function cpuTimeUs(of: Measurable): number {
  const areOurs = of === OUR_PROGRAMS;
  const stat = readFileSync(`/proc/${areOurs ? "self" : of}/stat`, "utf8");
  // The command's name stands in parentheses and may contain anything; field 3 follows it.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const [user, system] = areOurs ? fields.slice(13, 15) : fields.slice(11, 13);
  return ((Number(user) + Number(system)) * 1e6) / TICKS_PER_SECOND;
}

/** What a load tells of itself. */
interface Counted {
  /** Operations, warm-up included. */
  readonly started: number;
}

export type WithCpu<Name extends string, Figures extends Counted> = Figures & {
  /** Processor time of each process per operation, in microseconds. */
  readonly cpuUs: Readonly<Record<Name, number>>;
};

/** Runs a load and divides what the processes used meanwhile by the operations that were started. */
export async function withCpuTimes<Name extends string, Figures extends Counted>(
  processes: Readonly<Record<Name, Measurable>>,
  load: () => Promise<Figures>,
): Promise<WithCpu<Name, Figures>> {
  const names = Object.keys(processes) as Name[];
  const before = names.map((name) => cpuTimeUs(processes[name]));
  const figures = await load();
  const used = names.map((name, i) => [name, (cpuTimeUs(processes[name]) - (before[i] ?? 0)) / figures.started]);
  return { ...figures, cpuUs: Object.fromEntries(used) };
}
