import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
const SCRIPT = resolve(import.meta.dirname, "wrk.lua");
/** One thread: the other core is the server's. */
const THREADS = 1;

export interface WrkTarget {
  readonly port: number;
  /** GET: a path for each question. POST: octets for each, all to one path. */
  readonly questions:
    | { readonly method: "GET"; readonly paths: readonly string[] }
    | { readonly method: "POST"; readonly path: string; readonly bodies: readonly Uint8Array[] };
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
}

/** Closed loop of `wrk` (Debian package of the same name) over kept connections. Throws when anything failed or was not answered with
 *  status 200. */
export async function measureWrk(target: WrkTarget, options: WrkOptions): Promise<WrkFigures> {
  const { port, questions } = target;
  const { connections, warmUpSeconds, measureSeconds, directory } = options;
  const file = join(directory, "wrk.questions");
  const isPost = questions.method === "POST";
  const lines = isPost ? questions.bodies.map((body) => Buffer.from(body).toString("hex")) : questions.paths;
  writeFileSync(file, `${lines.join("\n")}\n`);
  const words = isPost ? ["POST", questions.path, file] : ["GET", file];
  const load = async (seconds: number): Promise<Printed> => {
    const { stdout } = await run("wrk", [
      ...["--threads", String(THREADS), "--connections", String(connections), "--duration", `${seconds}s`],
      ...["--timeout", "10s", "--script", SCRIPT, `http://127.0.0.1:${port}`, "--", ...words],
    ]);
    return JSON.parse(stdout.trimEnd().split("\n").at(-1) ?? "");
  };
  if (warmUpSeconds > 0) await load(warmUpSeconds);
  const printed = await load(measureSeconds);
  if (printed.failed > 0) throw new Error(`wrk: ${printed.failed} of ${printed.requests} requests failed`);
  return {
    perSecond: (printed.requests * 1e6) / printed.microseconds,
    p50Ms: printed.p50Us / 1_000,
    p99Ms: printed.p99Us / 1_000,
    octetsEach: printed.octets / printed.requests,
  };
}

/** What wrk.lua prints. */
interface Printed {
  readonly requests: number;
  readonly octets: number;
  readonly microseconds: number;
  readonly failed: number;
  readonly p50Us: number;
  readonly p99Us: number;
}
