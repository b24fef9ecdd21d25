import { closeSync, existsSync, fstatSync, openSync, readdirSync, readSync, statSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { PkiError } from "@vcc-pki/errors";
import type { Home } from "./home.ts";
import { formatLogLine } from "./log-line.ts";

const POLL_MS = 200;
const TAIL_BYTES = 256 * 1024;

export interface LogsOptions {
  readonly home: Home;
  /** One process; all when absent. */
  readonly process?: string;
  /** Lines of the past to show, of each process. */
  readonly lines: number;
  readonly follow: boolean;
  /** The lines as they are, instead of for people. */
  readonly json: boolean;
  readonly write: (text: string) => void;
  readonly signal: AbortSignal;
}

/** Shows the newest log lines, oldest first, and with `follow` those that come, across rotations. Throws NOT_FOUND for a process
 *  that has no log. */
export async function showLogs(options: LogsOptions): Promise<void> {
  const files = filesOf(options).map((file) => new Followed(file));
  const show = (line: string): void => options.write(`${options.json ? line : formatLogLine(line)}\n`);
  const past = files.flatMap((file) => file.lastLines(options.lines));
  for (const line of inOrder(past)) show(line);
  while (options.follow && !options.signal.aborted) {
    for (const line of inOrder(files.flatMap((file) => file.newLines()))) show(line);
    await sleep(POLL_MS, undefined, { signal: options.signal }).catch(() => undefined);
  }
}

function filesOf({ home, process }: LogsOptions): string[] {
  const directory = join(home.directory, "log");
  const present = existsSync(directory) ? readdirSync(directory).filter((name) => name.endsWith(".log")) : [];
  if (process === undefined) return present.map((name) => join(directory, name));
  if (present.includes(`${process}.log`)) return [home.log(process)];
  const names = present.map((name) => name.slice(0, -".log".length)).join(", ");
  throw new PkiError("NOT_FOUND", `no log of ${process} in ${directory}; there are: ${names || "none"}`);
}

/** Lines with a time sort by it; one without (a stack trace, another program's format) stays behind the line before it. */
function inOrder(lines: readonly string[]): string[] {
  let time = "";
  const timed = lines.map((line, index) => {
    time = /"time":"([^"]+)"/.exec(line)?.[1] ?? natsTime(line) ?? time;
    return { line, time, index };
  });
  return timed.sort((a, b) => a.time.localeCompare(b.time) || a.index - b.index).map(({ line }) => line);
}

/** "[7] 2026/11/23 23:31:46.123456 [INF] …", in local time, as ISO 8601. */
function natsTime(line: string): string | undefined {
  const [, date = "", time = ""] = /^\[\d+\] (\S+) (\S+) \[/.exec(line) ?? [];
  const moment = new Date(`${date.replaceAll("/", "-")}T${time.slice(0, 12)}`);
  return Number.isNaN(moment.getTime()) ? undefined : moment.toISOString();
}

/** A log file and how far it has been read. */
class Followed {
  readonly #path: string;
  #inode = 0;
  #position = 0;
  #rest = "";

  constructor(path: string) {
    this.#path = path;
  }

  lastLines(count: number): string[] {
    const { size } = statSync(this.#path);
    this.#position = Math.max(0, size - TAIL_BYTES);
    const torn = this.#position > 0 ? 1 : 0;
    const lines = this.newLines().slice(torn);
    return count === 0 ? [] : lines.slice(-count);
  }

  newLines(): string[] {
    let descriptor: number;
    try {
      descriptor = openSync(this.#path, "r");
    } catch {
      return []; // between two names of a rotation
    }
    try {
      const { ino, size } = fstatSync(descriptor);
      if (this.#inode !== 0 && (ino !== this.#inode || size < this.#position)) this.#position = 0;
      this.#inode = ino;
      const bytes = Buffer.alloc(Math.max(0, size - this.#position));
      this.#position += readSync(descriptor, bytes, 0, bytes.length, this.#position);
      const lines = (this.#rest + bytes.toString("utf8")).split("\n");
      this.#rest = lines.pop() ?? "";
      return lines;
    } finally {
      closeSync(descriptor);
    }
  }
}
