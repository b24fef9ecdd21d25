import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { z } from "zod";
import type { Home } from "./home.ts";

const ProcessRecord = z.object({
  name: z.string(),
  state: z.enum(["waiting", "starting", "ready", "backing-off", "stopping", "stopped"]),
  pid: z.number().optional(),
  startedAt: z.string().optional(),
  restarts: z.number(),
  lastExit: z.string().optional(),
});

const SuiteRecord = z.object({
  /** Process id of the supervisor. Meaningful only while the home is locked. */
  pid: z.number(),
  startedAt: z.string(),
  portOffset: z.number(),
  processes: z.array(ProcessRecord),
});

/** What the supervisor writes down for `status`, `logs` and `down`. */
export type SuiteRecord = z.infer<typeof SuiteRecord>;

/** Replaces the record as a whole, and the pid files with it. */
export function writeSuiteRecord({ run }: Home, record: SuiteRecord): void {
  const temporary = `${run.state}.new`;
  writeFileSync(temporary, `${JSON.stringify(record, null, 2)}\n`, { mode: 0o600 });
  renameSync(temporary, run.state);
  for (const { name, pid } of [{ name: "supervisor", pid: record.pid }, ...record.processes]) {
    if (pid === undefined) rmSync(run.pid(name), { force: true });
    else writeFileSync(run.pid(name), `${pid}\n`);
  }
}

export function removeSuiteRecord({ run }: Home, record: SuiteRecord): void {
  rmSync(run.state, { force: true });
  for (const name of ["supervisor", ...record.processes.map((one) => one.name)]) rmSync(run.pid(name), { force: true });
}

/** The record, or undefined when there is none that can be read: the supervisor has not written one yet. */
export function findSuiteRecord({ run }: Home): SuiteRecord | undefined {
  try {
    return SuiteRecord.parse(JSON.parse(readFileSync(run.state, "utf8")));
  } catch {
    return undefined;
  }
}
