import { type ChildProcess, fork } from "node:child_process";

/** What every worker tells, beside what is its own. */
export type LifeReport =
  | { readonly type: "finished" }
  /** The worker cannot go on. */
  | { readonly type: "failed"; readonly message: string };

/** What every worker is told: begin nothing any more, look at the end state, and end. */
export interface FinishOrder {
  readonly type: "finish";
}

export interface WorkersOptions<Report> {
  /** Its module. */
  readonly script: string;
  /** For each worker what it is told at its start. */
  readonly options: readonly unknown[];
  /** Called with everything that a worker says, in its order. */
  readonly heard: (worker: number, report: Report) => void;
}

/** Processes that do the work of a soak. */
export class Workers<Report extends { readonly type: string } | LifeReport, Order> {
  readonly #options: WorkersOptions<Report>;
  readonly #children: ChildProcess[] = [];
  #failure: Error | undefined;
  /** Resolves when all have finished; rejects when one has ended before its time, with what it said. */
  readonly ended: Promise<void>;

  constructor(options: WorkersOptions<Report>) {
    this.#options = options;
    this.ended = Promise.all(options.options.map((one, worker) => this.#start(one, worker))).then(() => {
      if (this.#failure !== undefined) throw this.#failure;
    });
    this.ended.catch(() => {}); // told to whoever waits for it
  }

  /** To all, or to all but one. */
  send(order: Order | FinishOrder, except?: number): void {
    for (const [worker, child] of this.#children.entries()) {
      if (worker !== except && child.connected) child.send(order as object);
    }
  }

  kill(): void {
    for (const child of this.#children) child.kill("SIGKILL");
  }

  #start(options: unknown, worker: number): Promise<void> {
    const { script, heard } = this.#options;
    const child = fork(script, [JSON.stringify(options)], { serialization: "advanced" });
    this.#children.push(child);
    return new Promise((resolve, reject) => {
      let hasFinished = false;
      child.on("message", (report: Report | LifeReport) => {
        if (report.type === "finished") hasFinished = true;
        if (report.type === "failed")
          this.#failure ??= new Error(`worker ${worker}: ${(report as LifeReport & { type: "failed" }).message}`);
        heard(worker, report as Report);
      });
      child.on("exit", (code, signal) => {
        if (hasFinished) resolve();
        else reject(this.#failure ?? new Error(`worker ${worker} ended with ${signal ?? `exit code ${code}`}`));
      });
    });
  }
}
