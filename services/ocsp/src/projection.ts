import { setImmediate as nextTurn } from "node:timers/promises";
import { PkiError } from "@vcc-pki/errors";
import type { CertificateServiceDefinition, StreamStatusResponse } from "@vcc-pki/proto/ca";
import type { Remote } from "@vcc-pki/rpc";
import type { Store } from "@vcc-pki/store";
import type { Logger } from "@vcc-pki/telemetry";
import type { Clock } from "@vcc-pki/time";
import { type Change, changeFromProto, type NumberedChange } from "./changes.ts";
import type { CurrencyAccount } from "./currency.ts";
import { IdleTimer } from "./idle-timer.ts";
import type { RecordedChange, Recording } from "./recording.ts";
import type { StatusMemory } from "./status-memory.ts";
import type { Position, PositionTable } from "./store/position.ts";

export interface ProjectionOptions {
  readonly store: Store;
  readonly positions: PositionTable;
  readonly recording: Recording;
  readonly memory: StatusMemory;
  readonly currency: CurrencyAccount;
  readonly ca: Pick<Remote<typeof CertificateServiceDefinition>, "streamStatus">;
  readonly clock: Clock;
  readonly log: Logger;
  /** How long the ca may be silent in the middle of an answer. */
  readonly patienceMs: number;
}

type Listener = (changes: readonly RecordedChange[]) => void;

/** Follows what the ca says about its certificates, by events and by asking. An event is applied when it is the next one; whatever else
 *  there may be is asked for, again and again, so that all is well without events. */
export class Projection {
  readonly #options: ProjectionOptions;
  readonly #listeners = new Set<Listener>();
  #arrived: NumberedChange[] = [];
  #applying: Promise<void> | undefined;
  #pulling: Promise<void> | undefined;
  #pullAgain = false;
  /** Changes of which a failed commit left open whether they are stored. */
  #unsure: Change[] = [];
  #isAway = false;
  readonly #closing = new AbortController();

  constructor(options: ProjectionOptions) {
    this.#options = options;
  }

  /** Calls `listener` with changes after they are stored; it must not throw. Returns the function that stops it. */
  onRecorded(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  get position(): Position {
    return this.#options.positions.read();
  }

  /** A change that an event told of. What comes in one turn of the event loop is stored together. */
  offer(change: NumberedChange): void {
    this.#arrived.push(change);
    this.#applying ??= this.#applyArrived().finally(() => {
      this.#applying = undefined;
    });
  }

  /** Asks the ca for everything we do not have, and resolves when it is stored. A call while another is under way takes its turn after
   *  it. Never rejects: that the ca is away is a state, not a failure. */
  pull(): Promise<void> {
    if (this.#pulling !== undefined) {
      this.#pullAgain = true;
      return this.#pulling;
    }
    this.#pulling = this.#pullUntilDone().finally(() => {
      this.#pulling = undefined;
    });
    return this.#pulling;
  }

  /** Resolves when nothing is under way. */
  async settled(): Promise<void> {
    while (this.#applying || this.#pulling) await Promise.all([this.#applying, this.#pulling]);
  }

  async close(): Promise<void> {
    this.#closing.abort(new PkiError("PEER_UNAVAILABLE", "the service stops"));
    await this.settled();
  }

  async #applyArrived(): Promise<void> {
    await nextTurn();
    while (this.#arrived.length > 0) {
      const arrived = this.#arrived.splice(0).sort((a, b) => a.sequence - b.sequence);
      const isComplete = await this.#applyEvents(arrived).catch((error) => {
        this.#options.log.error("events not stored", { error });
        return false;
      });
      if (isComplete) continue;
      this.#options.currency.lose();
      void this.pull();
    }
  }

  /** Applies those that follow on what we have. False: something between is missing, or it is another generation. */
  async #applyEvents(arrived: readonly NumberedChange[]): Promise<boolean> {
    const { positions } = this.#options;
    let isComplete = true;
    await this.#write(arrived, () => {
      const before = positions.read();
      const next: NumberedChange[] = [];
      for (const change of arrived) {
        const { sequence } = next.at(-1) ?? before;
        if (change.generation === before.generation && change.sequence <= sequence) continue; // known
        if (change.generation === before.generation && change.sequence === sequence + 1 && before.complete)
          next.push(change);
        else isComplete = false;
      }
      return { changes: next, position: { ...before, sequence: next.at(-1)?.sequence ?? before.sequence } };
    });
    return isComplete;
  }

  async #pullUntilDone(): Promise<void> {
    do {
      this.#pullAgain = false;
      await this.#pullOnce();
    } while (this.#pullAgain && !this.#closing.signal.aborted);
  }

  async #pullOnce(): Promise<void> {
    const { ca, positions, currency, clock, log } = this.#options;
    const asked = { monotonicMs: clock.monotonicMs(), now: clock.now() };
    const idle = new IdleTimer(this.#options.patienceMs, this.#closing.signal);
    try {
      await this.#reread();
      const { generation, sequence } = positions.read();
      const stream = ca.streamStatus({ generation, afterSequence: sequence }, { signal: idle.signal });
      for await (const message of stream) {
        idle.restart();
        await this.#applyMessage(message);
      }
      await this.#complete();
      currency.confirm(asked);
      if (this.#isAway) log.info("the ca answers again");
      this.#isAway = false;
    } catch (error) {
      // Until it has said anything since the start, what we have is as good as what we had.
      if (!Number.isFinite(currency.silenceMs) && positions.read().complete && this.#unsure.length === 0)
        currency.assume();
      if (!this.#isAway && !this.#closing.signal.aborted) log.warn("changes of status not received", { error });
      this.#isAway = true;
    } finally {
      idle.stop();
    }
  }

  async #applyMessage({ generation, fromStart, changes, headSequence }: StreamStatusResponse): Promise<void> {
    const { positions, currency, log } = this.#options;
    const before = positions.read();
    if (fromStart || generation !== before.generation) {
      currency.lose();
      if (before.generation !== 0) log.warn("the ca starts anew", { before, generation, headSequence });
    }
    const isNews = changes.length > 0 || fromStart || generation !== before.generation;
    if (!isNews) return;
    const told = changes.map(changeFromProto);
    await this.#write(told, () => {
      const current = positions.read();
      const startsAnew = fromStart || generation !== current.generation;
      const start = startsAnew ? { generation, sequence: 0, epoch: current.epoch + 1, complete: false } : current;
      const news = told.filter(({ sequence }) => sequence > start.sequence);
      return { changes: news, position: { ...start, sequence: news.at(-1)?.sequence ?? start.sequence } };
    });
    if (positions.read().sequence < headSequence) currency.lose();
  }

  /** After a start from the first change: what the ca did not tell of is not its word any more. */
  async #complete(): Promise<void> {
    const { positions, recording, store, memory } = this.#options;
    const { epoch, complete } = positions.read();
    if (complete) return;
    for (;;) {
      const forgotten = await store.write(() => recording.forgetUnseen(epoch));
      for (const name of forgotten) memory.forget(name);
      if (forgotten.length === 0) break;
    }
    await store.write(() => positions.write({ ...positions.read(), complete: true }));
  }

  /** Stores changes with the position they lead to, as `choose` says inside the transaction, then tells everyone. */
  async #write(
    told: readonly Change[],
    choose: () => { readonly changes: readonly Change[]; readonly position: Position },
  ): Promise<void> {
    const { store, positions, recording } = this.#options;
    const heeded = told.filter((change) => this.#heed(change));
    let chosen: readonly Change[] = [];
    let recorded: readonly RecordedChange[];
    try {
      recorded = await store.write(() => {
        const { changes, position } = choose();
        chosen = changes;
        const stored = changes.map((change) => recording.record(change, position.epoch));
        positions.write(position);
        return stored;
      });
    } catch (error) {
      this.#options.currency.lose();
      this.#unsure.push(...told);
      throw error;
    }
    this.#announce(recorded);
    // What was heeded and not stored was known, and may have been outdated: the database knows better.
    const outdated = heeded.filter((change) => !chosen.includes(change));
    this.#announce(outdated.flatMap((change) => recording.find(change) ?? []));
  }

  /** A revocation holds before it is stored: that can only err on the safe side. */
  #heed(change: Change): boolean {
    const { recording, memory } = this.#options;
    const issuer = change.revocation && recording.findIssuer(change);
    if (issuer === undefined || memory.certificates.find(issuer, change.serial) === -1) return false;
    memory.apply({ issuer, serial: change.serial }, change, 0);
    return true;
  }

  /** Learns from the database what became of changes whose commit failed. */
  async #reread(): Promise<void> {
    if (this.#unsure.length === 0) return;
    const { store, recording } = this.#options;
    await store.write(() => {}); // a commit that works: what was written before it is decided
    const unsure = this.#unsure;
    const stored = unsure.flatMap((change) => recording.find(change) ?? []);
    this.#unsure = this.#unsure.slice(unsure.length);
    this.#announce(stored);
  }

  #announce(recorded: readonly RecordedChange[]): void {
    if (recorded.length === 0) return;
    this.#options.recording.reloadIssuers(recorded);
    for (const change of recorded) this.#options.memory.apply(change, change, change.certificate);
    for (const listener of this.#listeners) listener(recorded);
  }
}
