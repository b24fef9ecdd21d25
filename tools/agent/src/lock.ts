import { closeSync, existsSync, mkdirSync, openSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";
import { PkiError } from "@vcc-pki/errors";
import { naming } from "./files/durable.ts";

const SQLITE_BUSY = 5;
const PAUSE_MS = 50;
const PATIENCE_MS = 30_000;

/** Runs `work` while no other process works on the same identity: the daemon, `once` and `enrol` may meet. It is a lock of the kernel on a
 *  file in `directory`, so it ends with its process, however that ends. Rejects with ALREADY_EXISTS when another one holds it too long. */
export async function withLock<T>(directory: string, work: () => Promise<T>): Promise<T> {
  naming(directory, () => mkdirSync(directory, { recursive: true, mode: 0o700 }));
  let database = tryLock(directory);
  for (let waitedMs = 0; database === undefined; waitedMs += PAUSE_MS) {
    if (waitedMs > PATIENCE_MS) throw new PkiError("ALREADY_EXISTS", `another agent works on ${directory}`);
    await sleep(PAUSE_MS);
    database = tryLock(directory);
  }
  try {
    return await work();
  } finally {
    database.close();
  }
}

function tryLock(directory: string): DatabaseSync | undefined {
  return naming(directory, () => {
    const file = join(directory, "lock");
    if (!existsSync(file)) closeSync(openSync(file, "a", 0o600));
    const database = new DatabaseSync(file);
    try {
      database.exec("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE");
      return database;
    } catch (error) {
      database.close();
      if ((error as { errcode?: number }).errcode === SQLITE_BUSY) return undefined;
      throw error;
    }
  });
}
