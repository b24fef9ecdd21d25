import type { Said } from "./messages.ts";

/** A change of status: what holds from it on, when it was asked for and when its asker heard that it is done. */
interface Change {
  readonly status: Said;
  readonly askedMs: number;
  acknowledgedMs: number;
}

export interface Interval {
  readonly fromMs: number;
  readonly toMs: number;
}

/** Knows the truth about every certificate, by what was asked of the ca and what it acknowledged. All moments are by one clock. */
export class Oracle {
  readonly #graceMs: number;
  readonly #histories = new Map<string, Change[]>();
  readonly #outages: Interval[] = [];

  constructor(graceMs: number) {
    this.#graceMs = graceMs;
  }

  get certificates(): number {
    return this.#histories.size;
  }

  issued(certificateId: string, askedMs: number, acknowledgedMs: number): void {
    this.#histories.set(certificateId, [{ status: "good", askedMs, acknowledgedMs }]);
  }

  /** Changes of one certificate come one after the other. */
  asked(certificateId: string, status: Said, askedMs: number): void {
    this.#historyOf(certificateId).push({ status, askedMs, acknowledgedMs: Number.POSITIVE_INFINITY });
  }

  acknowledged(certificateId: string, atMs: number): void {
    const change = this.#historyOf(certificateId).at(-1);
    if (change !== undefined) change.acknowledgedMs = atMs;
  }

  /** The ca was dead: nobody could learn anything from it, so this time does not count towards the grace. */
  wasAway(outage: Interval): void {
    this.#outages.push(outage);
  }

  /** What may be said in answer to a question that was sent and answered at these moments. Of the changes, all that were acknowledged long
   *  enough before must be known, and of those after them each may be known that had been asked for. */
  allowed(certificateId: string, { fromMs: sentMs, toMs: receivedMs }: Interval): ReadonlySet<Said> {
    const history = this.#histories.get(certificateId);
    if (history === undefined) return new Set(["unknown"]);
    const settled = history.findLastIndex(({ acknowledgedMs }) => this.#age(acknowledgedMs, sentMs) > this.#graceMs);
    const possible = history.slice(settled + 1).filter(({ askedMs }) => askedMs <= receivedMs);
    const before = settled === -1 ? "unknown" : (history[settled] as Change).status;
    return new Set([before, ...possible.map(({ status }) => status)]);
  }

  /** True if its revocation for this reason, hold included, was asked for before this moment. */
  mayHaveBeen(certificateId: string, status: Said, beforeMs: number): boolean {
    const history = this.#histories.get(certificateId) ?? [];
    return history.some((change) => change.status === status && change.askedMs <= beforeMs);
  }

  /** What was asked and acknowledged about a certificate, for people; moments relative to one. */
  tell(certificateId: string, relativeToMs: number): string {
    const at = (ms: number) => (Number.isFinite(ms) ? `${Math.round(ms - relativeToMs)} ms` : "never");
    const changes = (this.#histories.get(certificateId) ?? []).map(
      ({ status, askedMs, acknowledgedMs }) => `${status} asked ${at(askedMs)} acknowledged ${at(acknowledgedMs)}`,
    );
    return changes.length === 0 ? "never issued" : changes.join("; ");
  }

  #age(acknowledgedMs: number, atMs: number): number {
    if (acknowledgedMs >= atMs) return Number.NEGATIVE_INFINITY;
    let age = atMs - acknowledgedMs;
    for (const { fromMs, toMs } of this.#outages) {
      age -= Math.max(0, Math.min(atMs, toMs) - Math.max(acknowledgedMs, fromMs));
    }
    return age;
  }

  #historyOf(certificateId: string): Change[] {
    const history = this.#histories.get(certificateId);
    if (history === undefined) throw new Error(`a change of a certificate that was not issued: ${certificateId}`);
    return history;
  }
}
