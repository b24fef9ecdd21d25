import { setTimeout as sleep } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { PkiError } from "@vcc-pki/errors";
import type { GroupCommit } from "./group-commit.ts";
import type { MaintenanceReply, MaintenanceRequest } from "./maintenance-worker.ts";
import type { ConnectionOptions, Database } from "./sqlite.ts";

/** What takes long and would hold the event loop, done in a worker thread with a connection of its own: moving pages from the WAL
 *  into the database while many commit, and copying the database. */
export interface Maintenance {
  backup(file: string): Promise<void>;
  close(): Promise<void>;
}

/** WAL lengths are in frames, which are pages of 4 KiB. */
export interface MaintenanceLimits {
  /** Commits that make a worker worth its memory. */
  readonly busyCommits: number;
  /** Frames at which SQLite checkpoints by itself inside a COMMIT, without and with the worker. */
  readonly autocheckpoint: { readonly quiet: number; readonly busy: number };
  /** Frames at which the writer itself moves the little the worker has left. The WAL can start over only when nothing is left,
   *  and under steady load the worker is always some commits behind: without this the file would grow for ever. */
  readonly startOver: number;
}

const LIMITS: MaintenanceLimits = {
  busyCommits: 500,
  autocheckpoint: { quiet: 1_000, busy: 16_000 },
  startOver: 8_000,
};

/** Between checkpoints. The pages that every commit changes are then written into the database once for many of them. */
const PAUSE_MS = 250;
/** Pauses without a commit, 5 s, after which the worker goes. */
const IDLE_PAUSES = 20;

export function startMaintenance(
  db: Database,
  connection: ConnectionOptions,
  commit: GroupCommit,
  limits: MaintenanceLimits = LIMITS,
): Maintenance {
  const { busyCommits, autocheckpoint, startOver } = limits;
  const closing = new AbortController();
  let commits = 0;
  let checkpointing: Promise<void> | undefined;
  db.pragma(`wal_autocheckpoint = ${autocheckpoint.quiet}`);

  async function checkpointWhileBusy(): Promise<void> {
    const worker = new MaintenanceThread(connection);
    db.pragma(`wal_autocheckpoint = ${autocheckpoint.busy}`);
    try {
      for (let seen = 0, idle = 0; idle < IDLE_PAUSES; idle++) {
        await sleep(PAUSE_MS, undefined, { signal: closing.signal, ref: false });
        if (seen === commits) continue;
        seen = commits;
        idle = 0;
        const frames = await worker.ask({ kind: "checkpoint" });
        if (frames <= startOver) continue;
        await worker.ask({ kind: "checkpoint" }); // what came during the last one: little is left after this
        db.pragma("wal_checkpoint(PASSIVE)");
      }
      db.pragma("wal_checkpoint(TRUNCATE)");
    } catch {
      // Closing; or the thread failed, and SQLite goes on checkpointing inside COMMIT.
    } finally {
      await worker.close();
      db.pragma(`wal_autocheckpoint = ${autocheckpoint.quiet}`);
      commits = 0;
      checkpointing = undefined;
    }
  }

  if (connection.file !== ":memory:") {
    commit.onCommitted(() => {
      if (++commits > busyCommits && !closing.signal.aborted) checkpointing ??= checkpointWhileBusy();
    });
  }

  return {
    async backup(file) {
      const worker = new MaintenanceThread(connection);
      try {
        await worker.ask({ kind: "backup", file });
      } catch (cause) {
        throw new PkiError("STORE_UNAVAILABLE", `the database cannot be copied to ${file}`, { cause });
      } finally {
        await worker.close();
      }
    },
    async close() {
      closing.abort();
      await checkpointing;
      db.pragma("wal_checkpoint(TRUNCATE)");
    },
  };
}

class MaintenanceThread {
  readonly #worker: Worker;
  #settle: { resolve(frames: number): void; reject(error: unknown): void } | undefined;

  constructor(connection: ConnectionOptions) {
    this.#worker = new Worker(new URL("./maintenance-worker.ts", import.meta.url), { workerData: connection });
    this.#worker.on("message", (reply: MaintenanceReply) => {
      if ("error" in reply) this.#settle?.reject(reply.error);
      else this.#settle?.resolve(reply.frames);
    });
    this.#worker.on("error", (error) => this.#settle?.reject(error));
    this.#worker.on("exit", () => this.#settle?.reject(new Error("the maintenance thread ended")));
  }

  /** One request at a time. Resolves with the length of the WAL in frames. */
  ask(request: MaintenanceRequest): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
      this.#worker.postMessage(request);
    });
  }

  async close(): Promise<void> {
    await this.#worker.terminate();
  }
}
