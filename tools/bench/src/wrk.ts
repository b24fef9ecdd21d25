import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
const SCRIPT = resolve(import.meta.dirname, "wrk.lua");
/** One thread: the other core is the server's. */
const THREADS = 1;

/** Octets within a question. */
export interface Place {
  readonly offset: number;
  readonly length: number;
}

export type WrkQuestions =
  /** A path for each. */
  | { readonly method: "GET"; readonly paths: readonly string[] }
  /** Octets for each, all to one path. */
  | { readonly method: "POST"; readonly path: string; readonly type: string; readonly bodies: readonly Uint8Array[] }
  /** One question of which some places are random each time, so that no two are the same. Every answer must have these octets at that
   *  offset. */
  | {
      readonly method: "PATTERN";
      readonly path: string;
      readonly type: string;
      readonly pattern: Uint8Array;
      readonly random: readonly Place[];
      readonly answer: { readonly offset: number; readonly octets: Uint8Array };
    };

export interface WrkTarget {
  readonly port: number;
  readonly questions: WrkQuestions;
}

export interface WrkOptions {
  readonly connections: number;
  readonly warmUpSeconds: number;
  readonly measureSeconds: number;
  /** For the file with the questions. */
  readonly directory: string;
}

export interface WrkFigures {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Of an answer with its headers, on average. */
  readonly octetsEach: number;
  /** All that were asked, warm-up included. */
  readonly started: number;
}

/** Closed loop of `wrk` (Debian package of the same name) over kept connections. Throws when anything failed, was not answered with
 *  status 200, or was answered otherwise than it must be. */
export async function measureWrk({ port, questions }: WrkTarget, options: WrkOptions): Promise<WrkFigures> {
  const { connections, warmUpSeconds, measureSeconds, directory } = options;
  const words = scriptWords(questions, join(directory, "wrk.questions"));
  const load = async (seconds: number): Promise<Printed> => {
    const { stdout } = await run("wrk", [
      ...["--threads", String(THREADS), "--connections", String(connections), "--duration", `${seconds}s`],
      ...["--timeout", "10s", "--script", SCRIPT, `http://127.0.0.1:${port}`, "--", ...words],
    ]);
    return JSON.parse(stdout.trimEnd().split("\n").at(-1) ?? "");
  };
  const warmedUp = warmUpSeconds > 0 ? (await load(warmUpSeconds)).requests : 0;
  const printed = await load(measureSeconds);
  const { requests, failed, refused } = printed;
  if (failed + refused > 0)
    throw new Error(`wrk: of ${requests} requests, ${failed} failed and ${refused} were refused`);
  return {
    perSecond: (requests * 1e6) / printed.microseconds,
    p50Ms: printed.p50Us / 1_000,
    p99Ms: printed.p99Us / 1_000,
    octetsEach: printed.octets / requests,
    started: warmedUp + requests,
  };
}

/** What wrk.lua is told. Questions that are not made by it are written to `file`. */
function scriptWords(questions: WrkQuestions, file: string): string[] {
  const { method } = questions;
  if (method === "PATTERN") {
    const { path, type, pattern, random, answer } = questions;
    const places = random.map(({ offset, length }) => `${offset}:${length}`).join(",");
    return [method, path, type, hex(pattern), places, String(answer.offset), hex(answer.octets)];
  }
  const lines = method === "POST" ? questions.bodies.map(hex) : questions.paths;
  writeFileSync(file, `${lines.join("\n")}\n`);
  return method === "POST" ? [method, questions.path, questions.type, file] : [method, file];
}

const hex = (octets: Uint8Array): string => Buffer.from(octets).toString("hex");

/** What wrk.lua prints. */
interface Printed {
  readonly requests: number;
  readonly octets: number;
  readonly microseconds: number;
  readonly failed: number;
  readonly refused: number;
  readonly p50Us: number;
  readonly p99Us: number;
}
