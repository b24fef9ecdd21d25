import { type ChildProcess, fork } from "node:child_process";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Suite, startSuite } from "@vcc-pki/suite-tool";
import { type Outage, startKiller } from "../killer.ts";
import type { Soak, SoakContext, SoakReport } from "../soak.ts";
import { type Order, type Report, sharedMs, type WorkerOptions } from "./messages.ts";
import { Tally } from "./tally.ts";

const WORKERS = 3;
const JUDGE_EVERY_MS = 200;
const PROGRESS_EVERY_MS = 5_000;
const WORKER = join(import.meta.dirname, "worker.ts");

export const status: Soak = {
  name: "status",
  summary: "issue, revoke, hold, release and ask OCSP and lists from three processes, with kill -9: no wrong answer",
  async run(context) {
    context.progress("starting a suite");
    const suite = await startSuite(context.workDirectory);
    try {
      return await new Conductor(suite, context).run();
    } finally {
      await suite.stop();
    }
  },
};

/** Lets the workers work, kills processes meanwhile, and has everything judged. */
class Conductor {
  readonly #suite: Suite;
  readonly #context: SoakContext;
  readonly #startMs = sharedMs();
  readonly #tally: Tally;
  readonly #workers: ChildProcess[] = [];
  readonly #outages: Outage[] = [];
  #caDeadSinceMs: number | undefined;
  #failure: Error | undefined;

  constructor(suite: Suite, context: SoakContext) {
    this.#suite = suite;
    this.#context = context;
    this.#tally = new Tally({ graceMs: context.graceMs, workers: WORKERS, startMs: this.#startMs });
  }

  async run(): Promise<SoakReport> {
    const ended = Array.from({ length: WORKERS }, (_, worker) => this.#startWorker(worker));
    const judging = setInterval(() => this.#tally.judge(this.#caDeadSinceMs), JUDGE_EVERY_MS);
    const telling = setInterval(() => this.#tellProgress(), PROGRESS_EVERY_MS);
    const { kill, killEveryMs: everyMs, durationMs } = this.#context;
    const killer = startKiller({
      ...{ suite: this.#suite, kill, everyMs, nowMs: sharedMs },
      onKilled: (process) => this.#killed(process),
      onBack: (outage) => this.#isBack(outage),
    });
    try {
      await Promise.race([sleep(durationMs), Promise.all(ended)]);
      await killer.stop();
      this.#context.progress("asking about everything once more");
      for (const worker of this.#workers) worker.send({ type: "finish" } satisfies Order);
      await Promise.all(ended);
      if (this.#failure !== undefined) throw this.#failure;
    } finally {
      await killer.stop();
      clearInterval(judging);
      clearInterval(telling);
      for (const worker of this.#workers) worker.kill("SIGKILL");
    }
    this.#tally.judge();
    return this.#report();
  }

  /** Resolves when it has ended; rejects when it ended before its time. */
  #startWorker(worker: number): Promise<void> {
    const { home, portOffset } = this.#suite;
    const options: WorkerOptions = { worker, home, portOffset, graceMs: this.#context.graceMs };
    const child = fork(WORKER, [JSON.stringify(options)], { serialization: "advanced" });
    this.#workers.push(child);
    return new Promise((resolve, reject) => {
      let hasFinished = false;
      child.on("message", (report: Report) => {
        if (report.type === "finished") hasFinished = true;
        if (report.type === "failed") this.#failure ??= new Error(`worker ${worker}: ${report.message}`);
        this.#tally.heard(worker, report);
        if (report.type === "issued" || report.type === "asked") this.#passOn(worker, report.certificateId);
      });
      child.on("exit", (code, signal) => {
        if (hasFinished) resolve();
        else reject(this.#failure ?? new Error(`worker ${worker} ended with ${signal ?? `exit code ${code}`}`));
      });
    });
  }

  #passOn(from: number, certificateId: string): void {
    for (const [worker, child] of this.#workers.entries()) {
      if (worker !== from && child.connected) child.send({ type: "look", certificateId } satisfies Order);
    }
  }

  #killed(process: string): void {
    if (process === "ca") this.#caDeadSinceMs = sharedMs();
    this.#context.progress(`kill -9 of ${process}`);
  }

  #isBack(outage: Outage): void {
    this.#outages.push(outage);
    if (outage.process !== "ca") return;
    this.#tally.caWasAway(outage);
    this.#caDeadSinceMs = undefined;
  }

  #tellProgress(): void {
    const { judged, wrong, changes } = this.#tally;
    const seconds = Math.round((sharedMs() - this.#startMs) / 1_000);
    const { issued = 0, revoked = 0, held = 0, released = 0 } = changes;
    this.#context.progress(
      `${seconds} s: ${judged} answers, ${wrong} wrong; ${issued} issued, ${revoked + held} revoked, ${released} released`,
    );
  }

  #report(): SoakReport {
    const { wrong, examples, answers, questions, lists, changes, seenAfterMs, longestGapMs, judged } = this.#tally;
    const kills: Record<string, number> = {};
    const longestRestartMs: Record<string, number> = {};
    for (const { process, fromMs, toMs } of this.#outages) {
      kills[process] = (kills[process] ?? 0) + 1;
      longestRestartMs[process] = Math.max(longestRestartMs[process] ?? 0, Math.round(toMs - fromMs));
    }
    const figures = {
      ...{ answers, questions, lists, changes, kills, longestRestartMs, longestGapMs: Math.round(longestGapMs) },
      revocationSeenMs: spread(seenAfterMs.revocation),
      releaseSeenMs: spread(seenAfterMs.release),
    };
    const deaths = this.#outages.length;
    const scale = `${judged} answers about ${changes.issued} certificates, ${deaths} kills`;
    const summary = wrong === 0 ? `nothing wrong: ${scale}` : `${wrong} WRONG: ${scale}`;
    return { wrong, examples, figures, summary };
  }
}

/** By nearest rank. */
function spread(samples: readonly number[]) {
  const sorted = samples.toSorted((a, b) => a - b);
  const at = (share: number) => Math.round(sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0);
  return { samples: sorted.length, p50: at(0.5), p99: at(0.99), max: at(1) };
}
