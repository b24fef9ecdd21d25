import { chmodSync, closeSync, mkdirSync, openSync } from "node:fs";
import { dirname } from "node:path";
import { PkiError } from "@vcc-pki/errors";
import SqliteDatabase from "better-sqlite3";

export type Database = SqliteDatabase.Database;

/** `sqlcipher` is the format people know (AES-256-CBC and HMAC per page); `aegis` is an AEAD and about twice as fast. */
export type Cipher = "sqlcipher" | "aegis";

export interface ConnectionOptions {
  /** A path, or ":memory:". */
  readonly file: string;
  /** 64 hex digits; undefined opens a file that is not encrypted. */
  readonly keyHex?: string;
  readonly cipher: Cipher;
}

const KEY_PRAGMAS: Readonly<Record<Cipher, (keyHex: string) => readonly string[]>> = {
  // legacy=4 is the page format of SQLCipher 4; the raw key skips the 140 ms of key derivation.
  sqlcipher: (keyHex) => ["cipher = 'sqlcipher'", "legacy = 4", `key = "x'${keyHex}'"`],
  aegis: (keyHex) => ["cipher = 'aegis'", `key = 'raw:${keyHex}'`],
};

/** Opens a connection with the settings every connection of ours has: WAL, `synchronous=FULL`, foreign keys enforced.
 *  Throws CONFIG_INVALID when the key does not open the file, STORE_UNAVAILABLE when the file cannot be used. */
export function connect({ file, keyHex, cipher }: ConnectionOptions): Database {
  try {
    if (file !== ":memory:") createPrivateFile(file);
    const db = new SqliteDatabase(file);
    try {
      if (keyHex !== undefined && file !== ":memory:")
        for (const pragma of KEY_PRAGMAS[cipher](keyHex)) db.pragma(pragma);
      db.pragma("busy_timeout = 5000");
      db.pragma("journal_mode = WAL");
      db.pragma("synchronous = FULL");
      // Savepoints keep the pages they may have to restore: in memory, not written to a file for each of them.
      db.pragma("temp_store = MEMORY");
      db.pragma("foreign_keys = ON");
      db.pragma("trusted_schema = OFF");
      return db;
    } catch (error) {
      db.close();
      throw error;
    }
  } catch (cause) {
    if (sqliteCode(cause) === "SQLITE_NOTADB") {
      throw new PkiError("CONFIG_INVALID", `the key does not open the database ${file}`, { cause });
    }
    throw new PkiError("STORE_UNAVAILABLE", `the database ${file} cannot be opened`, { cause });
  }
}

/** SQLite gives its -wal and -shm files the mode of the database, so the database must start out private. */
function createPrivateFile(file: string): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  closeSync(openSync(file, "a", 0o600));
  chmodSync(file, 0o600);
}

/** The result code of an error from SQLite ("SQLITE_CONSTRAINT_UNIQUE"); undefined for any other error. */
export function sqliteCode(error: unknown): string | undefined {
  return error instanceof SqliteDatabase.SqliteError ? error.code : undefined;
}

/** Primary result codes (https://sqlite.org/rescode.html) by which the file, the disk or the memory fails, not the statement. */
const UNAVAILABLE =
  /^SQLITE_(FULL|IOERR|READONLY|CANTOPEN|BUSY|LOCKED|CORRUPT|NOTADB|NOMEM|PERM|PROTOCOL|NOLFS|AUTH)(_|$)/;

export function isUnavailable(error: unknown): boolean {
  return UNAVAILABLE.test(sqliteCode(error) ?? "");
}
