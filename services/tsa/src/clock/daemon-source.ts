import { execFile } from "node:child_process";
import type { Clock } from "@vcc-pki/time";
import { type DaemonReport, parseChronyTracking, parseNtpdVariables } from "./daemon-report.ts";
import { MAX_DISTANCE_MS } from "./ntp-measurement.ts";
import { type ClockSource, failure, type SourceReport } from "./source.ts";
import { readClock, type Timeline } from "./timeline.ts";

export type DaemonName = "chrony" | "ntpd";

interface DaemonRow {
  readonly program: string;
  readonly arguments: readonly string[];
  readonly parse: (text: string) => DaemonReport;
}

/** How each is asked, over the loopback, without changing anything. */
const DAEMONS: Readonly<Record<DaemonName, DaemonRow>> = {
  chrony: { program: "chronyc", arguments: ["-n", "-c", "tracking"], parse: parseChronyTracking },
  ntpd: { program: "ntpq", arguments: ["-n", "-c", "rv", "127.0.0.1"], parse: parseNtpdVariables },
};

export interface DaemonSourceOptions {
  readonly clock: Clock;
  readonly timeoutMs: number;
  /** The program, where it is not the usual one on the PATH. */
  readonly program?: string;
}

/** The daemon knows the clock better than a Date shows it. */
const DATE_RESOLUTION_MS = 1;
/** An answer is a screen at most. */
const MAX_OUTPUT = 16_384;

/** The daemon that disciplines this machine's clock, asked how well it does. */
export class DaemonSource implements ClockSource {
  readonly kind = "daemon";
  readonly name: DaemonName;
  readonly #options: DaemonSourceOptions;

  constructor(name: DaemonName, options: DaemonSourceOptions) {
    this.name = name;
    this.#options = options;
  }

  async measure(timeline: Timeline): Promise<SourceReport> {
    const { clock } = this.#options;
    const row = DAEMONS[this.name];
    const output = await this.#run(this.#options.program ?? row.program, row.arguments);
    if (typeof output !== "string") return failure(...output);
    const report = row.parse(output);
    if (report.status === "failed") return report;
    // It speaks of the clock as it is now. Whether that was stepped since the timeline began is for the proof to find.
    const reading = readClock(clock);
    const offsetMs = report.offsetMs + timeline.deviationMs(reading);
    const errorMs = report.errorMs + DATE_RESOLUTION_MS;
    if (errorMs > MAX_DISTANCE_MS) return failure("too-distant", `may be wrong by ${Math.round(errorMs)} ms`);
    return { ...report, offsetMs, errorMs, monotonicMs: reading.monotonicMs };
  }

  #run(program: string, args: readonly string[]): Promise<string | Parameters<typeof failure>> {
    const options = { timeout: this.#options.timeoutMs, maxBuffer: MAX_OUTPUT, env: { ...process.env, LC_ALL: "C" } };
    return new Promise((resolve) => {
      execFile(program, args, { ...options, killSignal: "SIGKILL" }, (error, stdout) => {
        if (!error) resolve(stdout);
        else if (error.code === "ENOENT") resolve(["absent", `${program} is not installed`]);
        else resolve(["unreachable", error.killed ? "no answer in time" : `${program} has failed`]);
      });
    });
  }
}
