import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Suite, startSuite } from "@vcc-pki/suite-tool";
import { type Outage, outageFigures, startKiller, victimIn } from "../killer.ts";
import type { Soak, SoakContext, SoakReport } from "../soak.ts";
import { startSuspension } from "../suspension.ts";
import { sharedMs } from "../worker-process.ts";
import { type FinishOrder, Workers } from "../workers.ts";
import { type Logs, readLogs } from "./logs.ts";
import type { Figures, Report, WorkerOptions } from "./messages.ts";
import { REPLICAS, type Replica, type ReplicaName, startReplica } from "./replica.ts";
import { countTokensTold } from "./token-counts.ts";

const WORKERS = 3;
const WORKER = join(import.meta.dirname, "worker.ts");
const PROGRESS_EVERY_MS = 5_000;
const MAX_EXAMPLES = 20;
const MAX_NATS_AWAY_MS = 60_000;

export const tsa: Soak = {
  name: "tsa",
  summary:
    "time stamps from two replicas by HTTP and gRPC, with kill -9: every token good and in the log, no serial twice",
  kill: ["tsa", "tsa-2", "hsm-gateway"],
  killable: ["tsa", "tsa-2", "hsm-gateway", "nats", "ca", "ocsp"],
  async run(context) {
    const { workDirectory: home, progress } = context;
    const conductor = new Conductor(context);
    progress("starting a suite");
    const suite = await startSuite(home);
    try {
      progress("starting a second tsa");
      const replica = await startReplica(suite);
      try {
        await conductor.run(suite, replica);
      } finally {
        await replica.stop();
      }
    } finally {
      await suite.stop();
    }
    progress("reading the logs");
    return conductor.report(await readLogs(home));
  },
};

/** Lets the workers have things stamped, kills processes meanwhile, and adds up what they found. */
class Conductor {
  readonly #context: SoakContext;
  readonly #outages: Outage[] = [];
  readonly #figures: Figures[] = [];
  readonly #examples: string[] = [];
  /** Tokens of which events have told. */
  #told: Record<ReplicaName, number> = { tsa: 0, "tsa-2": 0 };
  #wrong = 0;
  #natsAwayMs = 0;

  constructor(context: SoakContext) {
    this.#context = context;
  }

  async run(suite: Suite, replica: Replica): Promise<void> {
    const { durationMs, kill, killEveryMs, progress } = this.#context;
    const { home, portOffset } = suite;
    const startMs = sharedMs();
    const workers = new Workers<Report, FinishOrder>({
      script: WORKER,
      options: Array.from({ length: WORKERS }, (): WorkerOptions => ({ home, portOffset })),
      heard: (worker, report) => this.#heard(worker, report),
    });
    const telling = setInterval(() => {
      const seconds = Math.round((sharedMs() - startMs) / 1_000);
      progress(`${seconds} s: ${this.#answered} tokens, ${this.#lookedUp} looked up, ${this.#wrong} wrong`);
    }, PROGRESS_EVERY_MS);
    const killer = startKiller({
      victims: kill.map((name) => (name === replica.name ? replica : victimIn(suite, name))),
      ...{ everyMs: killEveryMs, nowMs: sharedMs },
      onKilled: (name) => progress(`kill -9 of ${name}`),
      onBack: (outage) => this.#outages.push(outage),
    });
    const suspension = startSuspension(() => suite.pidOf("nats"), {
      afterMs: durationMs / 3,
      forMs: Math.min(MAX_NATS_AWAY_MS, durationMs / 4),
      nowMs: sharedMs,
      onChange: (isAway) => progress(isAway ? "NATS is away" : "NATS is back"),
    });
    try {
      await Promise.race([sleep(durationMs), workers.ended]);
      await killer.stop();
      this.#natsAwayMs = await suspension.stop();
      progress("looking up in the logs what was answered");
      workers.send({ type: "finish" });
      await workers.ended;
      progress("waiting until events have told of every token");
      this.#told = await countTokensTold(suite);
    } finally {
      await killer.stop();
      await suspension.stop();
      clearInterval(telling);
      workers.kill();
    }
  }

  report({ tokens, twice }: Logs): SoakReport {
    for (const serialHex of twice) this.#isWrong(`${serialHex} was issued twice`);
    const answered = this.#answeredBy;
    for (const { name } of REPLICAS) {
      if (answered[name] === 0) this.#isWrong(`${name} has answered nothing`);
      if (answered[name] > tokens[name])
        this.#isWrong(`${name} answered ${answered[name]} tokens, and ${tokens[name]} are in its log`);
      if (this.#told[name] !== tokens[name])
        this.#isWrong(`events have told of ${this.#told[name]} tokens of ${name}, and ${tokens[name]} are in its log`);
    }
    const outcomes: Record<string, number> = {};
    for (const [name, count] of this.#figures.flatMap((one) => Object.entries(one.outcomes)))
      outcomes[name] = (outcomes[name] ?? 0) + count;
    const gaps = this.#byReplica(
      ({ longestGapMs }) => longestGapMs,
      (values) => Math.round(Math.max(0, ...values)),
    );
    const figures = {
      ...{
        outcomes,
        answered,
        lookedUp: this.#lookedUp,
        logged: tokens,
        told: this.#told,
        ...outageFigures(this.#outages),
      },
      repeated: this.#figures.reduce((sum, one) => sum + one.repeated, 0),
      longestGapMs: gaps,
      natsAwayMs: Math.round(this.#natsAwayMs),
    };
    const scale = `${this.#answered} tokens of ${REPLICAS.length} replicas, ${this.#outages.length} kills`;
    const summary = this.#wrong === 0 ? `nothing wrong: ${scale}` : `${this.#wrong} WRONG: ${scale}`;
    return { wrong: this.#wrong, examples: this.#examples, figures, summary };
  }

  get #answeredBy(): Record<ReplicaName, number> {
    return this.#byReplica(
      ({ tokens }) => tokens,
      (values) => values.reduce((a, b) => a + b, 0),
    );
  }

  get #answered(): number {
    return this.#figures.flatMap(({ tokens }) => Object.values(tokens)).reduce((sum, count) => sum + count, 0);
  }

  get #lookedUp(): number {
    return this.#figures.reduce((sum, { lookedUp }) => sum + lookedUp, 0);
  }

  #heard(worker: number, report: Report): void {
    if (report.type === "wrong") this.#isWrong(report.what);
    if (report.type === "figures") this.#figures[worker] = report;
  }

  #isWrong(example: string): void {
    this.#wrong++;
    if (this.#examples.length < MAX_EXAMPLES) this.#examples.push(example);
  }

  #byReplica(
    value: (one: Figures) => Readonly<Record<ReplicaName, number>>,
    combine: (values: readonly number[]) => number,
  ): Record<ReplicaName, number> {
    const of = (name: ReplicaName) => combine(this.#figures.map((one) => value(one)[name]));
    return { tsa: of("tsa"), "tsa-2": of("tsa-2") };
  }
}
