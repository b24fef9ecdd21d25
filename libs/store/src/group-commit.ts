import { PkiError } from "@vcc-pki/errors";
import { inCurrentContext } from "@vcc-pki/telemetry";
import type { Statement } from "better-sqlite3";
import { type Database, isUnavailable } from "./sqlite.ts";

/** Lets a test make commits fail. A throw from `beforeCommit`: failed and not stored. From `afterCommit`: failed but stored. */
export interface StoreFaults {
  beforeCommit?: () => void;
  afterCommit?: () => void;
}

export interface WriteOptions {
  /** The work throws before it writes anything, or not at all, and is done often: it is spared the savepoint, for which every page it
   *  changes is copied. Should it break its word, the whole batch fails with STORE_UNAVAILABLE, and no work is believed from then on. */
  readonly checksFirst?: boolean;
}

interface Operation {
  readonly checksFirst: boolean;
  readonly run: () => unknown;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

type Settle = () => void;

/** Operations in one transaction; bounds how long the event loop is held (about 10 ms). */
const MAX_OPERATIONS = 256;

/** A batch of this many shows that there is company to wait for; one that is alone never waits. */
const COMPANY = 4;
/** How long, after such a batch, the next one gathers at most. A page that many change is encrypted and written once for all of them. */
const GATHER_MS = 3;
/** Operations for which a commit waits no longer, nor does it when as many as the last time are there: callers that take turns come back together. */
const ENOUGH = 48;

/** Many callers, one fsync. What is queued by the end of the event loop's turn becomes one transaction with a savepoint for
 *  each caller that wants one, and nobody hears of success before COMMIT has reached the disk. */
export class GroupCommit {
  readonly #db: Database;
  readonly #faults: StoreFaults;
  readonly #sql: Readonly<Record<"begin" | "commit" | "rollback" | "savepoint" | "release" | "undo", Statement>>;
  readonly #changes: Statement<[], number>;
  readonly #queue: Operation[] = [];
  readonly #committed = new Set<() => void>();
  readonly #drained: (() => void)[] = [];
  #scheduled = false;
  #gathering: NodeJS.Timeout | undefined;
  #lastSize = 0;
  #writing = false;
  #closed = false;
  #believes = true;
  #turn = 0;

  constructor(db: Database, faults: StoreFaults = {}) {
    this.#db = db;
    this.#faults = faults;
    this.#sql = {
      begin: db.prepare("BEGIN IMMEDIATE"),
      commit: db.prepare("COMMIT"),
      rollback: db.prepare("ROLLBACK"),
      savepoint: db.prepare("SAVEPOINT operation"),
      release: db.prepare("RELEASE operation"),
      undo: db.prepare("ROLLBACK TO operation"),
    };
    this.#changes = db.prepare<[], number>("SELECT total_changes()").pluck();
  }

  /** See `Store.write`. */
  write<T>(work: () => T, { checksFirst = false }: WriteOptions = {}): Promise<T> {
    if (this.#writing) throw new Error("store.write was called inside the work of store.write");
    if (this.#closed) return Promise.reject(new PkiError("STORE_UNAVAILABLE", "the store is closed"));
    return new Promise<T>((resolve, reject) => {
      // The batch runs in one turn for all; each caller's log lines and events must still carry the caller's trace.
      const run = inCurrentContext(work);
      this.#queue.push({ checksFirst, run, resolve: resolve as (value: unknown) => void, reject });
      this.#schedule();
      if (this.#gathering && this.#isEnough()) this.#stopGathering();
    });
  }

  /** Throws unless called by the work of a `write`. */
  requireWriting(what: string): void {
    if (!this.#writing) throw new Error(`${what} belongs inside store.write`);
  }

  /** Changes whenever what the work before has written may be gone: what was read or written in one turn still stands in it. */
  get turn(): number {
    return this.#turn;
  }

  /** Calls `listener` after each COMMIT; it must neither throw nor write at once. Returns the function that stops it. */
  onCommitted(listener: () => void): () => void {
    this.#committed.add(listener);
    return () => this.#committed.delete(listener);
  }

  /** Refuses new work and resolves when the queue is empty. */
  async close(): Promise<void> {
    this.#closed = true;
    if (this.#scheduled) await new Promise<void>((resolve) => this.#drained.push(resolve));
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    const waits = this.#lastSize >= COMPANY && !this.#isEnough() && !this.#closed;
    if (waits) this.#gathering = setTimeout(() => this.#stopGathering(), GATHER_MS);
    else setImmediate(() => this.#flush());
  }

  #isEnough(): boolean {
    return this.#queue.length >= Math.min(ENOUGH, this.#lastSize);
  }

  #stopGathering(): void {
    clearTimeout(this.#gathering);
    this.#gathering = undefined;
    setImmediate(() => this.#flush());
  }

  #flush(): void {
    this.#scheduled = false;
    const batch = this.#queue.splice(0, MAX_OPERATIONS);
    this.#lastSize = batch.length;
    for (const settle of this.#commit(batch)) settle();
    if (this.#queue.length > 0) this.#schedule();
    else for (const drained of this.#drained.splice(0)) drained();
  }

  /** Runs the batch and returns what each caller is to be told. */
  #commit(batch: readonly Operation[]): Settle[] {
    this.#turn++;
    try {
      this.#sql.begin.run();
      const settles = batch.map((operation) =>
        operation.checksFirst && this.#believes ? this.#runBelieved(operation) : this.#runOne(operation),
      );
      this.#faults.beforeCommit?.();
      this.#sql.commit.run();
      for (const listener of this.#committed) listener();
      this.#faults.afterCommit?.();
      return settles;
    } catch (cause) {
      if (this.#db.inTransaction) this.#sql.rollback.run();
      // After a failed COMMIT it is open what the disk holds; callers learn that they do not know.
      const error = new PkiError("STORE_UNAVAILABLE", "the store could not commit", { cause });
      return batch.map((operation) => () => operation.reject(error));
    }
  }

  /** Runs one caller's work in its savepoint. Throws only what concerns the whole batch. */
  #runOne(operation: Operation): Settle {
    this.#sql.savepoint.run();
    this.#writing = true;
    try {
      const value = operation.run();
      requireSynchronous(value);
      this.#sql.release.run();
      return () => operation.resolve(value);
    } catch (error) {
      if (isUnavailable(error) || !this.#db.inTransaction) throw error;
      this.#turn++;
      this.#sql.undo.run();
      this.#sql.release.run();
      return () => operation.reject(error);
    } finally {
      this.#writing = false;
    }
  }

  /** Runs work that throws, if it does, before it writes. Throws what concerns the whole batch, broken promises among it. */
  #runBelieved(operation: Operation): Settle {
    const changes = this.#changes.get();
    this.#writing = true;
    try {
      const value = operation.run();
      requireSynchronous(value);
      return () => operation.resolve(value);
    } catch (error) {
      if (isUnavailable(error) || !this.#db.inTransaction) throw error;
      if (this.#changes.get() !== changes) {
        this.#believes = false;
        throw error;
      }
      return () => operation.reject(error);
    } finally {
      this.#writing = false;
    }
  }
}

/** A transaction never spans an `await`: what an async function does after its first one would be outside. */
function requireSynchronous(value: unknown): void {
  if (typeof value !== "object" || value === null || !("then" in value) || typeof value.then !== "function") return;
  value.then(undefined, () => {});
  throw new Error("the work of store.write returned a promise; it must be synchronous");
}
