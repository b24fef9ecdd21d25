import { isUtf8 } from "node:buffer";
import { type BigIntStats, type Dirent, lstatSync, readdirSync, realpathSync } from "node:fs";
import { basename, join } from "node:path";
import { PkiError } from "@vcc-pki/errors";
import { type FileIdentity, identityOf } from "./identity.ts";

/** A regular file of an artefact. */
export interface FoundFile {
  /** Below the root, with "/" between its parts; its own name when the artefact is one file. */
  readonly path: string;
  /** Where to open it. */
  readonly location: string;
  readonly size: number;
  readonly identity: FileIdentity;
  /** Who may change it, where it lies, and when it last was changed. */
  readonly userId: number;
  readonly mode: number;
  readonly device: number;
  readonly changedAtMs: number;
}

/** What there is of an artefact on disk. */
export interface Tree {
  /** The directory, or the one file, without symbolic links. */
  readonly root: string;
  /** On which the root lies. */
  readonly device: number;
  readonly isDirectory: boolean;
  readonly files: readonly FoundFile[];
}

/** More is no artefact but a mistake about the directory. */
const MAX_FILES = 1_000_000;

/** Finds all files below `root`, which may itself be a symbolic link: the caller named it. `except` are names in the root that are not the
 *  artefact's own, such as its signature. Empty directories are not seen. Throws FILE_NOT_REGULAR for a symbolic link, FIFO, socket or
 *  device, NAME_MALFORMED for a name that is not UTF-8, FILE_UNREADABLE, REQUEST_TOO_LARGE beyond a million files. */
export function walkTree(root: string, except: ReadonlySet<string> = new Set()): Tree {
  const real = readable(root, () => realpathSync(root));
  const rootStats = readable(real, () => lstatSync(real, { bigint: true }));
  const device = Number(rootStats.dev);
  if (!rootStats.isDirectory()) {
    return { root: real, device, isDirectory: false, files: [found(basename(real), real, rootStats)] };
  }
  const files: FoundFile[] = [];
  const directories = [""];
  for (let directory = directories.pop(); directory !== undefined; directory = directories.pop()) {
    const at = directory;
    const entries = readable(at, () => readdirSync(join(real, at), { withFileTypes: true, encoding: "buffer" }));
    for (const entry of entries) {
      const path = at + nameOf(entry, at);
      if (except.has(path)) continue;
      if (entry.isDirectory()) directories.push(`${path}/`);
      else files.push(findFile(path, join(real, path)));
    }
    if (files.length > MAX_FILES) throw new PkiError("REQUEST_TOO_LARGE", `${root} has more than ${MAX_FILES} files`);
  }
  return { root: real, device, isDirectory: true, files };
}

const findFile = (path: string, location: string): FoundFile =>
  found(
    path,
    location,
    readable(location, () => lstatSync(location, { bigint: true })),
  );

const NS_IN_MS = 1_000_000n;

function found(path: string, location: string, stats: BigIntStats): FoundFile {
  if (!stats.isFile()) {
    const kind = kindOf(stats);
    throw new PkiError("FILE_NOT_REGULAR", `${path} is a ${kind}, not a regular file`, {
      details: { file: path, kind },
    });
  }
  const { size, uid, mode, dev, ctimeNs } = stats; // which is not kept: a million of them would be a gigabyte
  return {
    ...{ path, location, size: Number(size), identity: identityOf(stats) },
    ...{ userId: Number(uid), mode: Number(mode), device: Number(dev), changedAtMs: Number(ctimeNs / NS_IN_MS) },
  };
}

function kindOf(stats: BigIntStats): string {
  if (stats.isSymbolicLink()) return "symbolic link";
  if (stats.isFIFO()) return "FIFO";
  if (stats.isSocket()) return "socket";
  return stats.isDirectory() ? "directory" : "device";
}

function nameOf({ name }: Dirent<Buffer>, directory: string): string {
  if (!isUtf8(name)) {
    throw new PkiError("NAME_MALFORMED", `the name of a file in ${directory || "the root"} is not UTF-8`, {
      details: { directory, name: name.toString("hex") },
    });
  }
  return name.toString("utf8");
}

function readable<T>(path: string, look: () => T): T {
  try {
    return look();
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new PkiError("FILE_UNREADABLE", `cannot read ${path} (${code})`, { cause, details: { file: path } });
  }
}
