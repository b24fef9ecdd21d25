import { randomBytes } from "node:crypto";
import { existsSync, linkSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { UsageError } from "./usage.ts";

export interface WriteOptions {
  /** Permission bits: 0o600 for keys. */
  readonly mode?: number;
  /** Replaces what is there. */
  readonly force?: boolean;
}

/** Fails before any work is done when a file we are to write is there. */
export function requireAbsent(file: string, force: boolean | undefined): void {
  if (!force && existsSync(file)) throw new UsageError(`${file} exists already; --force replaces it`);
}

/** Writes all or nothing: the content appears under its name only when it is complete, and never over a file that somebody
 *  else made meanwhile (unless forced). Throws UsageError when the file is there or cannot be written. */
export function writeWhole(
  file: string,
  content: string | Uint8Array,
  { mode = 0o644, force }: WriteOptions = {},
): void {
  const draft = `${file}.${randomBytes(6).toString("hex")}.tmp`;
  try {
    writeFileSync(draft, content, { mode, flag: "wx", flush: true });
    if (force) renameSync(draft, file);
    else linkSync(draft, file);
  } catch (error) {
    throw new UsageError(`cannot write ${file}: ${reasonOf(error)}`, { cause: error });
  } finally {
    rmSync(draft, { force: true });
  }
}

/** Throws UsageError when the file cannot be read. */
export function readInput(file: string): Buffer {
  try {
    return readFileSync(file === "-" ? 0 : file);
  } catch (error) {
    throw new UsageError(`cannot read ${file}: ${reasonOf(error)}`, { cause: error });
  }
}

/** "ENOENT" and the like, for people. */
export const reasonOf = (error: unknown): string =>
  error instanceof Error && "code" in error ? String(error.code) : String(error);
