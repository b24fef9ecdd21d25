import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { PkiError } from "@vcc-pki/errors";

const PRIVATE_DIRECTORY = 0o700;
const PRIVATE_FILE = 0o600;
/** A thread may still be writing into it. */
const REMOVAL = { recursive: true, force: true, maxRetries: 3 } as const;

/** What is in the making. It is removed when the process ends. */
const unfinished = new Set<string>();
const removeUnfinished = (): void => {
  for (const directory of unfinished) rmSync(directory, REMOVAL);
};

/** A directory that only this user can enter, in the making beside the place where it will be. Until `commit` nothing is at that place;
 *  after `discard`, or when the process ends and is not killed, nothing of it is anywhere. It outlives a power failure only as the file system sees fit: a loader that starts again verifies again. */
export class PrivateCopy {
  readonly #target: string;
  readonly #making: string;
  readonly #made = new Set<string>();

  /** Throws ALREADY_EXISTS when something is at `target`, FILE_UNREADABLE when nothing can be made beside it. */
  constructor(target: string) {
    this.#target = resolve(target);
    requireAbsent(this.#target);
    try {
      this.#making = mkdtempSync(join(dirname(this.#target), `.${basename(this.#target)}-`)); // 0700, and a name nobody can foresee
      if (!process.listeners("exit").includes(removeUnfinished)) process.on("exit", removeUnfinished);
      unfinished.add(this.#making);
    } catch (cause) {
      const { code } = cause as NodeJS.ErrnoException;
      throw new PkiError("FILE_UNREADABLE", `cannot write beside ${target} (${code})`, { cause });
    }
  }

  /** Where to write the file that will have this path, as the walk found it; the directories above it are there. */
  place(path: string): string {
    const location = join(this.#making, path);
    const directory = dirname(location);
    if (!this.#made.has(directory)) mkdirSync(directory, { recursive: true, mode: PRIVATE_DIRECTORY });
    this.#made.add(directory);
    return location;
  }

  write(path: string, octets: Uint8Array): void {
    writeFileSync(this.place(path), octets, { flag: "wx", mode: PRIVATE_FILE });
  }

  /** Throws ALREADY_EXISTS when something has come to its place meanwhile. */
  commit(): void {
    requireAbsent(this.#target);
    try {
      renameSync(this.#making, this.#target);
      unfinished.delete(this.#making);
    } catch (cause) {
      throw new PkiError("ALREADY_EXISTS", `${this.#target} exists`, { cause });
    }
  }

  discard(): void {
    rmSync(this.#making, REMOVAL);
    unfinished.delete(this.#making);
  }
}

function requireAbsent(target: string): void {
  if (existsSync(target)) throw new PkiError("ALREADY_EXISTS", `${target} exists`, { details: { file: target } });
}
