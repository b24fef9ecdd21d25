import { readFileSync } from "node:fs";
import type { Clock } from "@vcc-pki/time";
import { formatDuration } from "@vcc-pki/time";
import { hasCeremony } from "./ceremony.ts";
import type { Home } from "./home.ts";
import { isLocked } from "./lock.ts";
import type { Checks, Port } from "./process.ts";
import { findSuiteRecord } from "./state.ts";
import { suiteSpecs } from "./suite.ts";

export interface ProcessStatus {
  readonly name: string;
  readonly state: string;
  readonly ready: boolean;
  readonly pid?: number;
  readonly uptimeSeconds?: number;
  readonly restarts: number;
  readonly lastExit?: string;
  /** Resident memory. */
  readonly memoryBytes?: number;
  readonly checks: Checks;
  readonly ports: readonly Port[];
}

export interface SuiteStatus {
  readonly home: string;
  /** "running": a supervisor is at work. "ceremony": the home is being written to. "empty": there was no ceremony yet. */
  readonly state: "running" | "stopped" | "ceremony" | "empty";
  readonly ready: boolean;
  readonly supervisorPid?: number;
  readonly startedAt?: string;
  readonly processes: readonly ProcessStatus[];
}

/** How the suite of a home is, asked of each process now. */
export async function readStatus(home: Home, clock: Clock): Promise<SuiteStatus> {
  const locked = isLocked(home);
  const record = locked ? findSuiteRecord(home) : undefined;
  if (record === undefined) {
    const state = locked ? "ceremony" : hasCeremony(home) ? "stopped" : "empty";
    return { home: home.directory, state, ready: false, processes: [] };
  }
  const specs = suiteSpecs({ home, portOffset: record.portOffset });
  const processes = await Promise.all(
    record.processes.map(async ({ startedAt, ...known }): Promise<ProcessStatus> => {
      const spec = specs.find(({ name }) => name === known.name);
      const readiness = known.pid === undefined ? undefined : await spec?.probe();
      return {
        ...known,
        ready: readiness?.ready ?? false,
        uptimeSeconds: startedAt === undefined ? undefined : secondsSince(startedAt, clock),
        memoryBytes: known.pid === undefined ? undefined : residentMemory(known.pid),
        checks: readiness?.checks ?? { process: "does not run" },
        ports: spec?.ports ?? [],
      };
    }),
  );
  return {
    home: home.directory,
    state: "running",
    ready: processes.every(({ ready }) => ready),
    supervisorPid: record.pid,
    startedAt: record.startedAt,
    processes,
  };
}

const secondsSince = (time: string, clock: Clock): number =>
  Math.max(0, Math.round((clock.now().getTime() - new Date(time).getTime()) / 1000));

/** proc_pid_status(5). Undefined when the process is gone. */
function residentMemory(pid: number): number | undefined {
  try {
    const [, kilobytes] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
    return kilobytes === undefined ? undefined : Number(kilobytes) * 1024;
  } catch {
    return undefined;
  }
}

const HEADLINES: Record<SuiteStatus["state"], string> = {
  running: "runs",
  stopped: "does not run (./pki up starts it)",
  ceremony: "is being written to by a ceremony",
  empty: "is empty (./pki up runs the development ceremony and starts the suite)",
};

/** For people. */
export function formatStatus(status: SuiteStatus): string {
  const headline = `${status.home} ${HEADLINES[status.state]}`;
  if (status.state !== "running") return headline;
  const rows = status.processes.map((one) => [
    one.name,
    one.ready ? "ready" : one.state === "ready" ? "not ready" : one.state,
    String(one.pid ?? "-"),
    one.uptimeSeconds === undefined ? "-" : formatDuration(one.uptimeSeconds * 1000),
    String(one.restarts),
    one.memoryBytes === undefined ? "-" : `${Math.round(one.memoryBytes / 1024 / 1024)} MB`,
    one.ports.map(({ name, port }) => `${port} ${name}`).join(", "),
  ]);
  const table = align([["process", "state", "pid", "up", "restarts", "memory", "ports"], ...rows]);
  return [headline, "", ...table, ...complaints(status)].join("\n");
}

function complaints({ processes }: SuiteStatus): string[] {
  const lines = processes.flatMap(({ name, checks, lastExit }) => [
    ...Object.entries(checks).flatMap(([what, answer]) => (answer === true ? [] : [`${name}: ${what}: ${answer}`])),
    ...(lastExit === undefined ? [] : [`${name}: the one before ended with ${lastExit}`]),
  ]);
  return lines.length === 0 ? [] : ["", ...lines];
}

function align(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
}
