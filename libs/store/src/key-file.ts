import { randomBytes } from "node:crypto";
import { closeSync, fstatSync, fsyncSync, mkdirSync, openSync, readFileSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { PkiError } from "@vcc-pki/errors";

/** Makes a new database key: 32 random bytes as 64 hex digits in a file only its owner can read. Throws CONFIG_INVALID when
 *  the file exists, because replacing a key loses the database it opens. */
export function createKeyFile(path: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  let file: number;
  try {
    file = openSync(path, "wx", 0o600);
  } catch (cause) {
    throw new PkiError("CONFIG_INVALID", `the database key ${path} cannot be created, or exists already`, { cause });
  }
  try {
    writeSync(file, `${randomBytes(32).toString("hex")}\n`);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

/** The key as 64 hex digits. Throws CONFIG_INVALID when the file is missing, open to others, or holds something else. */
export function readKeyFile(path: string): string {
  let file: number;
  try {
    file = openSync(path, "r");
  } catch (cause) {
    throw new PkiError("CONFIG_INVALID", `the database key ${path} cannot be read`, { cause });
  }
  try {
    // The open file is asked, not the path: what is checked is what is read.
    if ((fstatSync(file).mode & 0o077) !== 0) {
      throw new PkiError("CONFIG_INVALID", `the database key ${path} is open to others: chmod 600 it`);
    }
    const keyHex = readFileSync(file, "utf8").trim();
    if (!/^[0-9a-fA-F]{64}$/.test(keyHex)) {
      throw new PkiError("CONFIG_INVALID", `the database key ${path} is not 64 hex digits`);
    }
    return keyHex;
  } finally {
    closeSync(file);
  }
}
