import { randomUUIDv7 } from "node:crypto";
import type { Store } from "@vcc-pki/store";
import type { Logger } from "@vcc-pki/telemetry";
import { type Clock, Wakeup } from "@vcc-pki/time";
import type { CertIdHash } from "@vcc-pki/x509";
import { answerFields } from "./answer-fields.ts";
import { DUE } from "./answer-memory.ts";
import { Budget } from "./budget.ts";
import type { CurrencyAccount } from "./currency.ts";
import type { Issuers } from "./issuers.ts";
import type { Metrics } from "./metrics.ts";
import type { RecordedChange } from "./recording.ts";
import type { Responders } from "./responders.ts";
import { type CertificateName, type Revocation, type SignedAnswer, toSeconds } from "./status.ts";
import { isSameRevocation, type StatusMemory } from "./status-memory.ts";
import type { AnswerTable } from "./store/answers.ts";

export interface PreproductionOptions {
  readonly store: Store;
  readonly answers: AnswerTable;
  readonly memory: StatusMemory;
  readonly issuers: Issuers;
  readonly responders: Responders;
  readonly currency: CurrencyAccount;
  readonly budget: Budget;
  readonly validityMs: number;
  readonly jitter: number;
  /** In [0, 1). */
  readonly random: () => number;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** Told of a responder whose key is gone. */
  readonly onDeadKey: (responder: number) => void;
}

interface Job {
  readonly slot: number;
  readonly hash: CertIdHash;
}

/** An answer that waits for its signature. */
interface Draft extends Job {
  readonly name: CertificateName;
  readonly revocation: Revocation | undefined;
  readonly responder: number;
  readonly thisUpdate: number;
  readonly nextUpdate: number;
  readonly signature: Promise<Uint8Array>;
}

type SignedDraft = Omit<Draft, "signature"> & SignedAnswer;

/** Signatures asked for together, and batches at once. */
const BATCH = 128;
const WORKERS = 2;
/** Newly issued certificates that get their answer before it is the others' turn; more of them than this are found by looking. */
const MAX_FRESH = 10_000;
/** Of those, so many are looked up at once. */
const MAX_DUE = 20_000;
/** Of certificates that come, so many per second get their answer soon. When they come faster, issuing them goes first: the answers of the rest
 *  are put off for so long. Whoever asks meanwhile has one signed on demand. */
const SOON_PER_SECOND = 100;
const PUT_OFF_SECONDS = 30;
const IDLE_MS = 500;
/** How long new certificates wait for others, for less is spent on each of many. Whoever asks meanwhile has an answer signed on demand. */
const GATHER_MS = 250;
/** How long an answer is left alone that could not be signed. */
const RETRY_SECONDS = 10;

/** Signs answers ahead and keeps them fresh: revocations at once and before anything else, then certificates that are new unless there
 *  is a rush of them, then the answers whose half-life is over, oldest first, as many per second as the budget allows. */
export class Preproduction {
  readonly #options: PreproductionOptions;
  readonly #urgent: Job[] = [];
  #fresh: Job[] = [];
  /** Since when the oldest of them waits (monotonic). */
  #freshSinceMs = 0;
  #due: Job[] = [];
  #lookedAt = -1;
  readonly #soon: Budget;
  readonly #wakeup = new Wakeup();
  readonly #running: Promise<void>[] = [];
  readonly #finishing = new Set<Promise<void>>();
  #isStopped = false;
  #failure: string | undefined;

  constructor(options: PreproductionOptions) {
    this.#options = options;
    this.#soon = new Budget(options.clock, SOON_PER_SECOND);
  }

  start(): void {
    this.#running.push(this.#loop());
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#wakeup.wake();
    await Promise.all(this.#running);
  }

  /** Changes that were recorded: new certificates, and those whose answer is void. */
  recorded(changes: readonly RecordedChange[]): void {
    const { memory, clock, currency } = this.#options;
    const putOffUntil = toSeconds(clock.now().getTime()) + PUT_OFF_SECONDS;
    for (const { issuer, serial, revocation, before } of changes) {
      const isUrgent = before === "new" ? revocation !== undefined : !isSameRevocation(before.revocation, revocation);
      if (before !== "new" && !isUrgent) continue;
      const queue = isUrgent ? this.#urgent : this.#fresh;
      if (!isUrgent && queue.length > MAX_FRESH) continue;
      if (!isUrgent && queue.length === 0) this.#freshSinceMs = clock.monotonicMs();
      const slot = memory.certificates.find(issuer, serial);
      if (slot === -1) continue;
      // Who catches up has all of them to do, and nobody is issuing them now.
      const isPutOff = !isUrgent && currency.state === "current" && this.#soon.take(1) === 0;
      for (const [hash, answers] of memory.allAnswers()) {
        if (isPutOff) answers.setDueAt(slot, putOffUntil);
        else queue.push({ slot, hash });
      }
    }
    this.#wakeup.wake();
  }

  /** An authority has a responder: whatever its certificates have no answer for is due. */
  responderChanged(issuer: number): void {
    const { certificates } = this.#options.memory;
    for (const [, answers] of this.#options.memory.allAnswers()) {
      for (let slot = 0; slot < certificates.slots; slot++) {
        const lacks = certificates.isInUse(slot) && certificates.issuerOf(slot) === issuer && !answers.has(slot);
        if (lacks) answers.setDueAt(slot, DUE.atOnce);
      }
    }
    this.#lookedAt = -1;
    this.#wakeup.wake();
  }

  /** Signs what is due now and can be signed, and resolves when there is no more of it. */
  async runDue(): Promise<void> {
    this.#lookedAt = -1;
    this.#freshSinceMs = Number.NEGATIVE_INFINITY;
    await Promise.all(Array.from({ length: WORKERS }, () => this.#work()));
    while (this.#finishing.size > 0) await Promise.all(this.#finishing);
  }

  async #loop(): Promise<void> {
    while (!this.#isStopped) {
      await Promise.all(Array.from({ length: WORKERS }, () => this.#work())).catch((error) => {
        this.#options.log.error("signing ahead failed", { error });
      });
      if (!this.#isStopped) await this.#wakeup.sleep(this.#idleMs());
    }
  }

  #idleMs(): number {
    if (this.#due.length > 0) return 20;
    return this.#fresh.length > 0 ? GATHER_MS : IDLE_MS;
  }

  async #work(): Promise<void> {
    for (;;) {
      const jobs = this.#next();
      if (jobs.length === 0 || this.#isStopped) return;
      const drafts = jobs.flatMap((job) => this.#draft(job) ?? []);
      const finishing = this.#finish(drafts).finally(() => this.#finishing.delete(finishing));
      this.#finishing.add(finishing);
      await finishing;
    }
  }

  /** The next jobs, by their order of urgency. */
  #next(): Job[] {
    if (this.#urgent.length > 0) return this.#urgent.splice(0, BATCH);
    if (this.#options.currency.state !== "current") return [];
    if (this.#due.length === 0) this.#look();
    const fresh = this.#gathered();
    const allowed = this.#options.budget.take(Math.min(BATCH, fresh + this.#due.length));
    const jobs = this.#fresh.splice(0, Math.min(fresh, allowed));
    return [...jobs, ...this.#due.splice(Math.max(0, this.#due.length - (allowed - jobs.length)))];
  }

  /** How many new certificates have waited for others long enough, or are enough. */
  #gathered(): number {
    const { length } = this.#fresh;
    const now = this.#options.clock.monotonicMs();
    if (length < BATCH && now - this.#freshSinceMs < GATHER_MS) return 0;
    if (length > BATCH) this.#freshSinceMs = now;
    return length;
  }

  /** Looks for what is due, once a second. */
  #look(): void {
    const { memory, clock } = this.#options;
    const now = toSeconds(clock.now().getTime());
    if (now === this.#lookedAt) return;
    this.#lookedAt = now;
    for (const [hash, answers] of memory.allAnswers()) {
      const due = answers.listDue(now, memory.certificates.slots, MAX_DUE);
      this.#due = this.#due.concat(due.map((slot) => ({ slot, hash })));
    }
    this.#due.reverse(); // taken from the end
  }

  /** Asks for the signature. undefined: there is nothing to sign, or nobody to sign it. */
  #draft({ slot, hash }: Job): Draft | undefined {
    const { memory, issuers, responders, currency, clock } = this.#options;
    const { certificates } = memory;
    const answers = memory.answersFor(hash);
    const now = toSeconds(clock.now().getTime());
    if (answers === undefined || !certificates.isInUse(slot) || answers.dueAt(slot) > now) return undefined;
    if (certificates.notAfter(slot) < now) return answers.setDueAt(slot, DUE.never) as undefined;
    const { revocation } = certificates.statusOf(slot);
    if (revocation === undefined && currency.state !== "current") return undefined;
    const name = certificates.nameOf(slot);
    const issuer = issuers.find(name.issuer);
    const responder = responders.findFor(name.issuer);
    // Not taken up again until it is through, or has failed, or its responder has come.
    answers.setDueAt(slot, DUE.never);
    if (issuer === undefined || responder === undefined) return undefined;

    const window = this.#window(now, toSeconds(responder.notAfter.getTime()));
    const data = responder.template.responseData(answerFields(issuer, hash, name.serial, revocation, window));
    const signature = responder.signer.sign({ $case: "ocspResponseData", value: data }, randomUUIDv7());
    return { slot, name, hash, revocation, responder: responder.responder, ...window, signature };
  }

  #window(now: number, end: number): { thisUpdate: number; nextUpdate: number } {
    const { validityMs, jitter, random } = this.#options;
    const seconds = Math.floor((validityMs / 1_000) * (1 - jitter * random()));
    return { thisUpdate: now, nextUpdate: Math.min(now + Math.max(1, seconds), end) };
  }

  /** Puts the signed answers where they are served from, then into the database. */
  async #finish(drafts: readonly Draft[]): Promise<void> {
    const { store, answers, metrics, log } = this.#options;
    if (drafts.length === 0) return;
    const outcomes = await Promise.allSettled(drafts.map(({ signature }) => signature));
    const signed: SignedDraft[] = [];
    for (const [index, outcome] of outcomes.entries()) {
      const draft = drafts[index] as Draft;
      if (outcome.status === "rejected") this.#failed(draft, outcome.reason);
      else signed.push({ ...draft, signature: outcome.value });
    }
    const rows = signed.flatMap((draft) => this.#put(draft));
    metrics.signedAhead.add(signed.length);
    if (signed.length > 0) this.#failure = undefined;
    await store
      .write(() => {
        for (const { answer, revocation } of rows) answers.put(answer, revocation);
      })
      // They are served all the same; after a restart they are signed again.
      .catch((error) => log.warn("answers not stored", { error, answers: rows.length }));
  }

  /** Serves it from now on, unless the certificate has gone or is of another status meanwhile. */
  #put(draft: SignedDraft) {
    const { memory, random } = this.#options;
    const { slot, name, hash, responder, thisUpdate, nextUpdate, signature, revocation } = draft;
    const { certificates } = memory;
    if (certificates.find(name.issuer, name.serial) !== slot) return [];
    if (!isSameRevocation(certificates.statusOf(slot).revocation, revocation)) return [];
    const spread = 0.45 + 0.1 * random();
    const dueAt = thisUpdate + Math.floor((nextUpdate - thisUpdate) * spread);
    memory.putAnswer(slot, hash, { responder, thisUpdate, nextUpdate, signature }, dueAt);
    const certificate = certificates.rowOf(slot);
    if (certificate === 0) return [];
    return [{ revocation, answer: { certificate, hash, responder, thisUpdate, nextUpdate, signature } }];
  }

  #failed({ slot, hash, responder, revocation }: Draft, error: unknown): void {
    const { memory, clock, log, metrics, onDeadKey } = this.#options;
    const { code } = error as { code?: string };
    metrics.signaturesFailed.add(1, { code: code ?? "INTERNAL" });
    const now = toSeconds(clock.now().getTime());
    memory.answersFor(hash)?.setDueAt(slot, revocation === undefined ? now + RETRY_SECONDS : now + 1);
    if (this.#failure === code) return;
    this.#failure = code;
    log.warn("answers not signed ahead", { error });
    if (code === "KEY_NOT_ACTIVE" || code === "NOT_FOUND") onDeadKey(responder);
  }
}
