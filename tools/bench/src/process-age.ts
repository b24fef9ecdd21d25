import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

/** Clock ticks per second (sysconf(_SC_CLK_TCK)). */
const TICKS_PER_SECOND = Number(execFileSync("getconf", ["CLK_TCK"], { encoding: "utf8" }));

/** How long ago a process was started: uptime less starttime of proc(5). */
export function processAgeMs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const startedAt = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19]) / TICKS_PER_SECOND;
  return (Number(readFileSync("/proc/uptime", "utf8").split(" ")[0]) - startedAt) * 1_000;
}
