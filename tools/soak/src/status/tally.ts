import type { Outage } from "../killer.ts";
import type { Answered, ListFetched, Outcome, Report } from "./messages.ts";
import { Oracle } from "./oracle.ts";

const MAX_EXAMPLES = 20;

/** What a change is counted as; other reasons are revocations for good. */
const NAMES: Readonly<Record<string, string>> = { good: "released", certificateHold: "held" };

/** Judges what the workers report, and counts. Reports of one worker come in order; an answer is judged when everything that happened
 *  before it is known. */
export class Tally {
  readonly #oracle: Oracle;
  readonly #heardUntil: number[];
  readonly #startMs: number;
  #waiting: Extract<Report, { type: "answered" | "list" }>[] = [];
  readonly answers: Record<string, number> = {};
  readonly questions: Record<string, number> = {};
  readonly lists: Record<string, number> = {};
  readonly changes: Record<string, number> = { issued: 0, revoked: 0, held: 0, released: 0 };
  readonly seenAfterMs = { revocation: [] as number[], release: [] as number[] };
  readonly #newest = new Map<string, { atMs: number; crlNumber: number }[]>();
  readonly examples: string[] = [];
  wrong = 0;
  longestGapMs = 0;
  #servedMs: number | undefined;

  constructor({ graceMs, workers, startMs }: { graceMs: number; workers: number; startMs: number }) {
    this.#oracle = new Oracle(graceMs);
    this.#heardUntil = Array.from({ length: workers }, () => 0);
    this.#startMs = startMs;
  }

  get judged(): number {
    return Object.values(this.answers).reduce((sum, count) => sum + count, 0);
  }

  caWasAway({ fromMs, toMs }: Pick<Outage, "fromMs" | "toMs">): void {
    this.#oracle.wasAway({ fromMs, toMs });
  }

  heard(worker: number, report: Report): void {
    this.#take(report);
    this.#heardUntil[worker] = report.type === "finished" ? Number.POSITIVE_INFINITY : report.atMs;
  }

  #take(report: Report): void {
    switch (report.type) {
      case "issued":
        count(this.changes, "issued");
        this.#oracle.issued(report.certificateId, report.askedMs, report.atMs);
        break;
      case "asked":
        count(this.changes, NAMES[report.status] ?? "revoked");
        this.#oracle.asked(report.certificateId, report.status, report.atMs);
        break;
      case "acknowledged":
        this.#oracle.acknowledged(report.certificateId, report.atMs);
        break;
      case "seen":
        this.seenAfterMs[report.change].push(Math.max(0, report.afterMs));
        break;
      case "answered":
      case "list":
        this.#waiting.push(report);
        break;
      default:
        break;
    }
  }

  /** Judges what can be judged. `openOutageMs`: since when the ca is dead, if it is; what came after waits. */
  judge(openOutageMs = Number.POSITIVE_INFINITY): void {
    const untilMs = Math.min(...this.#heardUntil, openOutageMs);
    const ready = this.#waiting.filter(({ atMs }) => atMs <= untilMs).sort((a, b) => a.atMs - b.atMs);
    this.#waiting = this.#waiting.filter(({ atMs }) => atMs > untilMs);
    for (const report of ready) {
      if (report.type === "answered") this.#judgeAnswer(report);
      else this.#judgeList(report);
    }
  }

  #judgeAnswer(answered: Answered): void {
    const { certificateId, question, sentMs, outcome } = answered;
    count(this.questions, question);
    if (outcome.kind === "said") {
      count(this.answers, outcome.said === "good" || outcome.said === "unknown" ? outcome.said : "revoked");
      this.#judgeStatus(answered, outcome);
    } else {
      count(this.answers, outcome.kind);
      if (outcome.kind === "fault")
        this.#isWrong(`${question} about ${certificateId} at ${this.#seconds(sentMs)}: ${outcome.fault}`);
    }
  }

  #judgeStatus(answered: Answered, { said, thisUpdate }: Outcome & { kind: "said" }): void {
    const { certificateId, question, sentMs, atMs } = answered;
    if (this.#servedMs !== undefined) this.longestGapMs = Math.max(this.longestGapMs, atMs - this.#servedMs);
    this.#servedMs = atMs;
    const allowed = this.#oracle.allowed(certificateId, { fromMs: sentMs, toMs: atMs });
    if (allowed.has(said)) return;
    const truth = this.#oracle.tell(certificateId, sentMs);
    this.#isWrong(
      `${question} about ${certificateId} at ${this.#seconds(sentMs)}: ${said} (thisUpdate ${thisUpdate}) instead of ${[...allowed].join(" or ")}; ${truth}`,
    );
  }

  #judgeList({ url, sentMs, atMs, outcome }: ListFetched): void {
    count(this.lists, outcome.kind);
    const about = `${url} at ${this.#seconds(sentMs)}`;
    if (outcome.kind === "fault") this.#isWrong(`${about}: ${outcome.fault}`);
    if (outcome.kind !== "list") return;
    const { crlNumber, entries } = outcome;
    const served = this.#newest.get(url) ?? [];
    const newest = Math.max(-1, ...served.filter((one) => one.atMs <= sentMs).map((one) => one.crlNumber));
    if (crlNumber < newest) this.#isWrong(`${about}: CRL number ${crlNumber} after ${newest}`);
    this.#newest.set(url, [...served.filter((one) => one.crlNumber >= newest), { atMs, crlNumber }]);
    // It may be older than the newest revocations, but it never names what was not revoked.
    for (const { certificateId, reason } of entries) {
      const status = reason === "removeFromCRL" ? "good" : reason;
      if (!this.#oracle.mayHaveBeen(certificateId, status, atMs))
        this.#isWrong(`${about}: lists ${certificateId} for ${reason}; ${this.#oracle.tell(certificateId, sentMs)}`);
    }
  }

  #isWrong(example: string): void {
    this.wrong++;
    if (this.examples.length < MAX_EXAMPLES) this.examples.push(example);
  }

  #seconds(atMs: number): string {
    return `${((atMs - this.#startMs) / 1_000).toFixed(3)} s`;
  }
}

function count(counts: Record<string, number>, name: string): void {
  counts[name] = (counts[name] ?? 0) + 1;
}
