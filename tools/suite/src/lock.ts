import { existsSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { PkiError } from "@vcc-pki/errors";
import { ensurePrivateDirectory, type Home } from "./home.ts";

export interface HomeLock {
  release(): void;
}

const SQLITE_BUSY = 5;
/** Keeps what holds a lock from being collected as garbage, which would free the lock. */
const held = new Set<DatabaseSync>();

/** Takes the one lock of a home: held by the supervisor while the suite runs, and by a ceremony while it writes. It is a
 *  lock of the kernel on `run/suite.lock`, so it ends with its process, however that ends. Throws ALREADY_EXISTS when
 *  another process holds it. */
export function lockHome(home: Home): HomeLock {
  ensurePrivateDirectory(home.run.directory);
  const database = new DatabaseSync(home.run.lock);
  try {
    database.exec("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE");
  } catch (error) {
    database.close();
    if ((error as { errcode?: number }).errcode !== SQLITE_BUSY) throw error;
    throw new PkiError("ALREADY_EXISTS", `${home.directory} is in use by a running suite or ceremony`);
  }
  held.add(database);
  return {
    release() {
      if (held.delete(database)) database.close();
    },
  };
}

/** Whether a suite or a ceremony works on this home right now. */
export function isLocked(home: Home): boolean {
  if (!existsSync(home.run.lock)) return false;
  try {
    lockHome(home).release();
    return false;
  } catch (error) {
    if (error instanceof PkiError) return true;
    throw error;
  }
}
