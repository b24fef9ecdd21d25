import type { Clock } from "@vcc-pki/time";
import { openLogFile } from "./log-file.ts";
import {
  type ProcessSnapshot,
  type ProcessSpec,
  type SuiteEvent,
  SupervisedProcess,
  TIMING,
  type Timing,
} from "./process.ts";

export interface SupervisorOptions {
  readonly specs: readonly ProcessSpec[];
  readonly logPath: (name: string) => string;
  readonly clock: Clock;
  readonly report: (event: SuiteEvent, processes: readonly ProcessSnapshot[]) => void;
  readonly timing?: Timing;
  /** Starts in a row that may end before the process was ever ready, before `start` gives up. */
  readonly attempts?: number;
}

/** Starts each process when those it needs are ready, keeps all running, and stops each when none that needs it runs. */
export class Supervisor {
  readonly #processes: ReadonlyMap<string, SupervisedProcess>;
  readonly #logs: { close(): void }[] = [];
  readonly #attempts: number;

  /** Throws when a process names one to start after that is not there, or itself by a detour. */
  constructor({ specs, logPath, clock, report, timing = TIMING, attempts = 4 }: SupervisorOptions) {
    assertOrder(specs);
    this.#attempts = attempts;
    this.#processes = new Map(
      specs.map((spec) => {
        const log = openLogFile(logPath(spec.name));
        this.#logs.push(log);
        const context = { log, clock, timing, report: (event: SuiteEvent) => report(event, this.snapshots()) };
        return [spec.name, new SupervisedProcess(spec, context)];
      }),
    );
  }

  snapshots(): ProcessSnapshot[] {
    return [...this.#processes.values()].map((supervised) => supervised.snapshot);
  }

  /** Resolves when every process has been ready once. Rejects with the first that could not; the others keep running
   *  until `stop`. */
  async start(): Promise<void> {
    const started = new Map<string, Promise<void>>();
    const startOf = (name: string): Promise<void> => {
      const known = started.get(name);
      if (known !== undefined) return known;
      const supervised = this.#get(name);
      const starting = Promise.all(supervised.spec.after.map(startOf)).then(() => supervised.start(this.#attempts));
      started.set(name, starting);
      return starting;
    };
    await Promise.all([...this.#processes.keys()].map(startOf));
  }

  /** Stops everything in reverse order. Safe to call at any time, also twice. */
  async stop(): Promise<void> {
    const stopped = new Map<string, Promise<void>>();
    const dependentsOf = (name: string): string[] =>
      [...this.#processes.values()].filter(({ spec }) => spec.after.includes(name)).map(({ spec }) => spec.name);
    const stopOf = (name: string): Promise<void> => {
      const known = stopped.get(name);
      if (known !== undefined) return known;
      const stopping = Promise.all(dependentsOf(name).map(stopOf)).then(() => this.#get(name).stop());
      stopped.set(name, stopping);
      return stopping;
    };
    await Promise.all([...this.#processes.keys()].map(stopOf));
    for (const log of this.#logs.splice(0)) log.close();
  }

  /** Tells one process to read its files again. */
  reload(name: string): void {
    this.#get(name).signal("SIGHUP");
  }

  /** SIGKILL to all, at once. */
  kill(): void {
    for (const supervised of this.#processes.values()) supervised.signal("SIGKILL");
  }

  #get(name: string): SupervisedProcess {
    const found = this.#processes.get(name);
    if (found === undefined) throw new Error(`no process is called ${name}`);
    return found;
  }
}

function assertOrder(specs: readonly ProcessSpec[]): void {
  const byName = new Map(specs.map((spec) => [spec.name, spec]));
  const settled = new Set<string>();
  const visit = (name: string, path: readonly string[]): void => {
    if (settled.has(name)) return;
    const spec = byName.get(name);
    if (spec === undefined) throw new Error(`${path.at(-1)} starts after ${name}, which is not there`);
    if (path.includes(name)) throw new Error(`start order runs in a circle: ${[...path, name].join(" > ")}`);
    for (const earlier of spec.after) visit(earlier, [...path, name]);
    settled.add(name);
  };
  for (const { name } of specs) visit(name, []);
}
