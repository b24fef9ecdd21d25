import { readFileSync } from "node:fs";

/** Resident set of a process in MB (10^6 octets), with the pages it shares with others (VmRSS of proc(5)). */
export function residentMegabytes(pid: number): number {
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  if (kilobytes === undefined) throw new Error(`process ${pid} has no resident set`);
  return (Number(kilobytes) * 1_024) / 1e6;
}
