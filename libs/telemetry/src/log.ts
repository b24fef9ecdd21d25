import { type Clock, systemClock } from "@vcc-pki/time";
import pino from "pino";
import { safeFields } from "./fields.ts";
import { currentTraceId } from "./trace.ts";

export type LogLevel = "debug" | "info" | "warn" | "error" | "silent";

export type Fields = Readonly<Record<string, unknown>>;

/** One JSON object per line. The message is constant, lower-case and without a period; everything that varies is a field.
 *  A field `error` is written with code, message, stack and its chain of causes; secrets are left out by name. */
export interface Logger {
  debug(message: string, fields?: Fields): void;
  info(message: string, fields?: Fields): void;
  warn(message: string, fields?: Fields): void;
  error(message: string, fields?: Fields): void;
  /** A logger that adds `fields` to every line. */
  child(fields: Fields): Logger;
}

export interface LoggerOptions {
  readonly service: string;
  readonly level: LogLevel;
  /** Where lines go, each with its newline. Standard output, once for all lines of a turn of the event loop, unless given. */
  readonly destination?: { write(line: string): void };
  readonly clock?: Clock;
}

/** Lines look like `{"level":"info","time":"2026-11-01T00:00:00.000Z","service":"ca","pid":7,"msg":"certificate issued",…}`,
 *  with `traceId` when a span is active. */
export function createLogger({ service, level, destination, clock = systemClock }: LoggerOptions): Logger {
  const options: pino.LoggerOptions = {
    level,
    base: { service, pid: process.pid },
    timestamp: () => `,"time":"${clock.now().toISOString()}"`,
    formatters: { level: (label) => ({ level: label }) },
    mixin: () => {
      const traceId = currentTraceId();
      return traceId === undefined ? {} : { traceId };
    },
  };
  return overPino(pino(options, destination ?? standardOutput()));
}

/** Lines of one turn go out together: a commit may be the end of many requests, each with its line. The last ones when the process ends. */
function standardOutput(): { write(line: string): void } {
  const output = pino.destination({ fd: 1, sync: true });
  let lines = "";
  const flush = () => {
    if (lines !== "") output.write(lines);
    lines = "";
  };
  process.on("exit", flush);
  return {
    write(line) {
      if (lines === "") setImmediate(flush);
      lines += line;
    },
  };
}

function overPino(logger: pino.Logger): Logger {
  const writer = (level: "debug" | "info" | "warn" | "error") => (message: string, fields?: Fields) => {
    if (logger.isLevelEnabled(level)) logger[level](fields === undefined ? {} : safeFields(fields), message);
  };
  return {
    debug: writer("debug"),
    info: writer("info"),
    warn: writer("warn"),
    error: writer("error"),
    child: (fields) => overPino(logger.child(safeFields(fields))),
  };
}

/** Says nothing. */
export const silentLogger: Logger = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
  child: () => silentLogger,
};
