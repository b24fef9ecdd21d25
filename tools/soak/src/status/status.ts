import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Suite, startSuite } from "@vcc-pki/suite-tool";
import { type Outage, outageFigures, startKiller, victimIn } from "../killer.ts";
import type { Soak, SoakContext, SoakReport } from "../soak.ts";
import { sharedMs } from "../worker-process.ts";
import { Workers } from "../workers.ts";
import type { Order, Report, WorkerOptions } from "./messages.ts";
import { Tally } from "./tally.ts";

const WORKERS = 3;
const JUDGE_EVERY_MS = 200;
const PROGRESS_EVERY_MS = 5_000;
const WORKER = join(import.meta.dirname, "worker.ts");

export const status: Soak = {
  name: "status",
  summary: "issue, revoke, hold, release and ask OCSP and lists from three processes, with kill -9: no wrong answer",
  kill: ["ocsp"],
  killable: ["ocsp", "ca", "nats", "hsm-gateway"],
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
  readonly #workers: Workers<Report, Order>;
  readonly #outages: Outage[] = [];
  #caDeadSinceMs: number | undefined;

  constructor(suite: Suite, context: SoakContext) {
    this.#suite = suite;
    this.#context = context;
    this.#tally = new Tally({ graceMs: context.graceMs, workers: WORKERS, startMs: this.#startMs });
    const { home, portOffset } = suite;
    this.#workers = new Workers({
      script: WORKER,
      options: Array.from({ length: WORKERS }, (_, worker): WorkerOptions => {
        return { worker, home, portOffset, graceMs: context.graceMs };
      }),
      heard: (worker, report) => this.#heard(worker, report),
    });
  }

  async run(): Promise<SoakReport> {
    const judging = setInterval(() => this.#tally.judge(this.#caDeadSinceMs), JUDGE_EVERY_MS);
    const telling = setInterval(() => this.#tellProgress(), PROGRESS_EVERY_MS);
    const { kill, killEveryMs: everyMs, durationMs } = this.#context;
    const killer = startKiller({
      victims: kill.map((name) => victimIn(this.#suite, name)),
      ...{ everyMs, nowMs: sharedMs },
      onKilled: (process) => this.#killed(process),
      onBack: (outage) => this.#isBack(outage),
    });
    try {
      await Promise.race([sleep(durationMs), this.#workers.ended]);
      await killer.stop();
      this.#context.progress("asking about everything once more");
      this.#workers.send({ type: "finish" });
      await this.#workers.ended;
    } finally {
      await killer.stop();
      clearInterval(judging);
      clearInterval(telling);
      this.#workers.kill();
    }
    this.#tally.judge();
    return this.#report();
  }

  #heard(worker: number, report: Report): void {
    this.#tally.heard(worker, report);
    if (report.type === "issued" || report.type === "asked")
      this.#workers.send({ type: "look", certificateId: report.certificateId }, worker);
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
    const figures = {
      ...{
        answers,
        questions,
        lists,
        changes,
        ...outageFigures(this.#outages),
        longestGapMs: Math.round(longestGapMs),
      },
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
