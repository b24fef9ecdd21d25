import { closeSync, fstatSync, mkdirSync, openSync, renameSync, rmSync, writeSync } from "node:fs";
import { dirname } from "node:path";

export interface LogFile {
  readonly path: string;
  write(chunk: string | Uint8Array): void;
  close(): void;
}

export interface LogFileLimits {
  /** Bytes after which the file is set aside as `<path>.1`. */
  readonly maxBytes: number;
  /** How many older files are kept: `.1` is the newest. */
  readonly keep: number;
}

const LIMITS: LogFileLimits = { maxBytes: 20 * 1024 * 1024, keep: 3 };

/** A log that is appended to and rotated between two writes, so that no line is lost or torn by the rotation as long as
 *  the writer's chunks end with a line, which pino's and the NATS server's do. */
export function openLogFile(path: string, { maxBytes, keep }: LogFileLimits = LIMITS): LogFile {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const open = (): number => openSync(path, "a", 0o600);
  let fd = open();
  let size = fstatSync(fd).size;

  function rotate(): void {
    closeSync(fd);
    rmSync(`${path}.${keep}`, { force: true });
    for (let older = keep - 1; older >= 1; older--) {
      try {
        renameSync(`${path}.${older}`, `${path}.${older + 1}`);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
      }
    }
    renameSync(path, `${path}.1`);
    fd = open();
    size = 0;
  }

  return {
    path,
    write(chunk) {
      const bytes = typeof chunk === "string" ? Buffer.from(chunk) : chunk;
      if (size > 0 && size + bytes.length > maxBytes) rotate();
      for (let written = 0; written < bytes.length; ) written += writeSync(fd, bytes, written);
      size += bytes.length;
    },
    close: () => closeSync(fd),
  };
}
