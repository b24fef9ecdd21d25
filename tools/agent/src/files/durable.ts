import { randomBytes } from "node:crypto";
import {
  chmodSync,
  chownSync,
  closeSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { dirname } from "node:path";
import { PkiError } from "@vcc-pki/errors";

/** Who may read a file: permission bits and, where it is not the agent's own, its owner. */
export interface Access {
  readonly mode: number;
  readonly owner?: Owner;
}

/** Numbers of a user and a group. */
export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** Writes a new file, readable by nobody else before it has its owner and mode, and has the disk confirm it. Throws FILE_NOT_WRITTEN. */
export function writeNew(file: string, content: string, { mode, owner }: Access): void {
  naming(file, () => {
    const descriptor = openSync(file, "wx", 0o600);
    try {
      writeAll(descriptor, Buffer.from(content));
      if (owner) chownSync(file, owner.uid, owner.gid);
      chmodSync(file, mode);
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
  });
}

/** A file as it is, to be written somewhere else under `name`. */
export function readBack(file: string, name: string): { name: string; content: string; mode: number; owner: Owner } {
  const { mode, uid, gid } = statSync(file);
  return { name, content: readFileSync(file, "utf8"), mode: mode & 0o777, owner: { uid, gid } };
}

/** Replaces a file, or makes it: its name has the old content or the new, whatever happens. Throws FILE_NOT_WRITTEN; then the old is there. */
export function replace(file: string, content: string, access: Access): void {
  const draft = `${file}.${randomBytes(6).toString("hex")}.tmp`;
  try {
    writeNew(draft, content, access);
    naming(file, () => renameSync(draft, file));
  } finally {
    rmSync(draft, { force: true });
  }
  syncDirectory(dirname(file));
}

/** Has the disk confirm the names in a directory. Windows opens no directories, and keeps their order by itself. */
export function syncDirectory(directory: string): void {
  if (process.platform === "win32") return;
  naming(directory, () => {
    const descriptor = openSync(directory, "r");
    try {
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
  });
}

/** Runs what writes below `path`; its failure names the path and the reason in words. */
export function naming<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    if (cause instanceof PkiError) throw cause;
    throw new PkiError("FILE_NOT_WRITTEN", `cannot write ${path}: ${reasonOf(cause)}`, { cause });
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ENOSPC: "the disk is full",
  EDQUOT: "the quota is used up",
  EROFS: "the file system is read-only",
  EACCES: "the agent may not write there",
  EPERM: "the agent may not write there",
  ENOENT: "the directory is not there",
  ENOTDIR: "that is no directory",
};

function reasonOf(error: unknown): string {
  const code = error instanceof Error && "code" in error ? String(error.code) : String(error);
  return REASONS[code] ?? code;
}

/** A full disk takes part of a write without an error. */
function writeAll(descriptor: number, content: Buffer): void {
  for (let offset = 0; offset < content.length; ) offset += writeSync(descriptor, content, offset);
}
