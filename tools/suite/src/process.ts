import { setTimeout as sleep } from "node:timers/promises";
import type { Clock } from "@vcc-pki/time";
import { execa, type ResultPromise } from "execa";
import type { LogFile } from "./log-file.ts";

/** One entry per thing the process needs: `true`, or the reason why it is missing. */
export type Checks = Readonly<Record<string, true | string>>;
export interface Readiness {
  readonly ready: boolean;
  readonly checks: Checks;
}

export interface Port {
  readonly name: string;
  readonly host: string;
  readonly port: number;
}

/** What to run and how to know that it works. */
export interface ProcessSpec {
  readonly name: string;
  readonly command: readonly [program: string, ...parameters: string[]];
  /** Added to the supervisor's environment. Never a secret: those travel as files. */
  readonly environment: Readonly<Record<string, string>>;
  /** Processes that must be ready before this one starts, and that stop after it. */
  readonly after: readonly string[];
  readonly ports: readonly Port[];
  /** Asks the process whether it can do its work. Never throws. */
  readonly probe: () => Promise<Readiness>;
}

export type ProcessState = "waiting" | "starting" | "ready" | "backing-off" | "stopping" | "stopped";

export interface ProcessSnapshot {
  readonly name: string;
  readonly state: ProcessState;
  readonly pid?: number;
  /** When the running process was started, ISO 8601. */
  readonly startedAt?: string;
  readonly restarts: number;
  /** How the last one ended that was not told to: "exit code 1", "signal SIGKILL". */
  readonly lastExit?: string;
}

/** What the supervisor has to tell. */
export type SuiteEvent =
  | { readonly type: "starting" | "stopping" | "stopped"; readonly name: string }
  | { readonly type: "ready"; readonly name: string; readonly afterMs: number }
  | { readonly type: "crashed"; readonly name: string; readonly exit: string; readonly restartInMs: number };

export interface Timing {
  /** Wait before the first restart; doubles with each further crash. */
  readonly firstBackOffMs: number;
  readonly maxBackOffMs: number;
  /** A process that stayed up this long has its crashes forgiven. */
  readonly forgiveAfterMs: number;
  readonly probeEveryMs: number;
  /** How long a process may take to become ready for the first time. */
  readonly readyWithinMs: number;
  /** From SIGTERM to SIGKILL. */
  readonly graceMs: number;
}

export const TIMING: Timing = {
  firstBackOffMs: 500,
  maxBackOffMs: 30_000,
  forgiveAfterMs: 20_000,
  probeEveryMs: 50,
  readyWithinMs: 60_000,
  graceMs: 10_000,
};

/** A process could not be brought up. Its log tells more. */
export class NotReadyError extends Error {
  override readonly name = "NotReadyError";
  readonly process: string;

  constructor(process: string, message: string) {
    super(message);
    this.process = process;
  }
}

export interface ProcessContext {
  readonly log: LogFile;
  readonly clock: Clock;
  readonly timing: Timing;
  readonly report: (event: SuiteEvent) => void;
}

// The kernel kills the process when the supervisor ends, however that ends (PR_SET_PDEATHSIG). SIGKILL, because
// nothing could force a stuck process any more; every service survives it. The shell closes the gap in which the
// supervisor dies before the kernel knows of the wish, and becomes the process itself (same pid).
const TIED_TO_US = ["--pdeathsig", "KILL", "--", "sh", "-c", 'test "$PPID" = "$0" && exec "$@"'];

/** One process that is started, watched, and started again when it ends without having been told to. */
export class SupervisedProcess {
  readonly spec: ProcessSpec;
  readonly #context: ProcessContext;
  readonly #stopRequested = new AbortController();
  #subprocess: ResultPromise | undefined;
  #run: Promise<void> | undefined;
  #checks: Checks = {};
  #snapshot: ProcessSnapshot;

  constructor(spec: ProcessSpec, context: ProcessContext) {
    this.spec = spec;
    this.#context = context;
    this.#snapshot = { name: spec.name, state: "waiting", restarts: 0 };
  }

  get snapshot(): ProcessSnapshot {
    return this.#snapshot;
  }

  /** Resolves when the process is ready for the first time. Rejects when `attempts` starts in a row ended before that, when it
   *  takes too long, or when it was stopped meanwhile. After that it is kept running until `stop`. */
  async start(attempts: number): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const { readyWithinMs } = this.#context.timing;
    const tooLong = setTimeout(() => reject(this.#notReady()), readyWithinMs);
    this.#run = this.#keepRunning(attempts, resolve).then(
      () => reject(this.#failed("was stopped before it was ready")),
      reject,
    );
    try {
      await promise;
    } finally {
      clearTimeout(tooLong);
    }
  }

  #failed(why: string): NotReadyError {
    return new NotReadyError(this.spec.name, `${this.spec.name} ${why}`);
  }

  #notReady(): NotReadyError {
    const reasons = Object.entries(this.#checks).flatMap(([what, answer]) =>
      answer === true ? [] : [`${what}: ${answer}`],
    );
    return this.#failed(`is not ready (${reasons.join("; ")})`);
  }

  /** SIGTERM, then SIGKILL after the grace; resolves when the process is gone. */
  async stop(): Promise<void> {
    this.#stopRequested.abort();
    if (this.#subprocess !== undefined) {
      this.#set({ state: "stopping" });
      this.#context.report({ type: "stopping", name: this.spec.name });
      this.#subprocess.kill("SIGTERM");
    }
    await this.#run;
    const everStarted = this.#run !== undefined;
    this.#set({ state: "stopped", pid: undefined, startedAt: undefined });
    if (everStarted) this.#context.report({ type: "stopped", name: this.spec.name });
  }

  /** Sends a signal to the running process, if there is one: SIGHUP to reload, SIGKILL for a person who asked twice. */
  signal(signal: "SIGHUP" | "SIGKILL"): void {
    this.#subprocess?.kill(signal);
  }

  async #keepRunning(attempts: number, firstReady: () => void): Promise<void> {
    const { clock, timing, report } = this.#context;
    let everReady = false;
    let crashes = 0;
    while (!this.#stopRequested.signal.aborted) {
      const startedMs = clock.monotonicMs();
      const exit = await this.#runOnce(() => {
        everReady = true;
        firstReady();
      });
      if (this.#stopRequested.signal.aborted) return;

      crashes = clock.monotonicMs() - startedMs >= timing.forgiveAfterMs ? 1 : crashes + 1;
      this.#set({ state: "backing-off", pid: undefined, startedAt: undefined, lastExit: exit });
      if (!everReady && crashes >= attempts) {
        throw this.#failed(`ended ${crashes} times before it was ready, last with ${exit}`);
      }
      const restartInMs = Math.min(timing.firstBackOffMs * 2 ** (crashes - 1), timing.maxBackOffMs);
      report({ type: "crashed", name: this.spec.name, exit, restartInMs });
      await sleep(restartInMs, undefined, { signal: this.#stopRequested.signal }).catch(() => undefined);
      this.#set({ restarts: this.#snapshot.restarts + 1 });
    }
  }

  /** One life of the process, from its start to its end. Answers how it ended. */
  async #runOnce(onReady: () => void): Promise<string> {
    const { clock, log, report, timing } = this.#context;
    const startedMs = clock.monotonicMs();
    const subprocess = execa("setpriv", [...TIED_TO_US, String(process.pid), ...this.spec.command], {
      // A session of its own: Ctrl-C in the terminal reaches the supervisor alone, which then stops all in order.
      detached: true,
      cleanup: false,
      stdin: "ignore",
      all: true,
      buffer: false,
      reject: false,
      env: this.spec.environment,
      forceKillAfterDelay: timing.graceMs,
    });
    this.#subprocess = subprocess;
    subprocess.all.on("data", (chunk: Uint8Array) => log.write(chunk));
    this.#set({ state: "starting", pid: subprocess.pid, startedAt: clock.now().toISOString() });
    report({ type: "starting", name: this.spec.name });

    const ended = new AbortController();
    const watching = this.#untilReady(ended.signal).then((isReady) => {
      if (!isReady || this.#stopRequested.signal.aborted) return;
      this.#set({ state: "ready" });
      report({ type: "ready", name: this.spec.name, afterMs: clock.monotonicMs() - startedMs });
      onReady();
    });
    const result = await subprocess;
    this.#subprocess = undefined;
    ended.abort();
    await watching;
    if (result.signal !== undefined) return `signal ${result.signal}`;
    return result.exitCode === undefined ? (result.shortMessage ?? "an error") : `exit code ${result.exitCode}`;
  }

  async #untilReady(ended: AbortSignal): Promise<boolean> {
    while (!ended.aborted) {
      const { ready, checks } = await this.spec.probe();
      if (ready) return !ended.aborted;
      this.#checks = checks;
      await sleep(this.#context.timing.probeEveryMs, undefined, { signal: ended }).catch(() => undefined);
    }
    return false;
  }

  #set(change: Partial<ProcessSnapshot>): void {
    this.#snapshot = { ...this.#snapshot, ...change };
  }
}
