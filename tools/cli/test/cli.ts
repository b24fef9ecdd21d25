import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const MAIN = { "vcc-pki": "../src/main.ts", "vcc-sign": "../src/vcc-sign.ts" } as const;
const GATEWAY_PORT = 8443;

export interface Ran {
  readonly exit: number | null;
  readonly out: string;
  readonly err: string;
  json(): Record<string, unknown>;
}

export interface Cli {
  /** The home directory of the suite, laid out as a ceremony leaves it. */
  readonly home: string;
  /** A path in a scratch directory. */
  file(name: string, content?: string | Buffer): string;
  /** Runs it as a process of its own. The suite is found by what it wrote into its home. */
  run(...args: string[]): Promise<Ran>;
  runWith(
    options: { readonly input?: string | Buffer; readonly env?: Record<string, string> },
    ...args: string[]
  ): Promise<Ran>;
}

/** What a home is made of. */
export interface CliSuite {
  readonly admin: { readonly chainPem: string; readonly keyPem: string };
  readonly trustPem: string;
  readonly port: number;
}

export function newCli(suite: CliSuite, program: keyof typeof MAIN = "vcc-pki"): Cli {
  const main = new URL(MAIN[program], import.meta.url).pathname;
  const home = mkdtempSync(join(tmpdir(), "cli-home-"));
  for (const directory of ["operator", "trust", "run", "scratch"]) mkdirSync(join(home, directory));
  writeFileSync(join(home, "operator/admin.pem"), suite.admin.chainPem);
  writeFileSync(join(home, "operator/admin-key.pem"), suite.admin.keyPem, { mode: 0o600 });
  writeFileSync(join(home, "trust/root.pem"), suite.trustPem);
  writeFileSync(join(home, "run/suite.json"), JSON.stringify({ portOffset: suite.port - GATEWAY_PORT }));

  const runWith: Cli["runWith"] = ({ input, env = {} }, ...args) =>
    new Promise((resolve, reject) => {
      const { PATH, NODE_COMPILE_CACHE } = process.env;
      const child = spawn(process.execPath, [main, ...args], {
        env: { PATH, NODE_COMPILE_CACHE, PKI_HOME: home, ...env },
      });
      let out = "";
      let err = "";
      child.stdout.setEncoding("utf8").on("data", (text) => {
        out += text;
      });
      child.stderr.setEncoding("utf8").on("data", (text) => {
        err += text;
      });
      child.once("error", reject);
      child.once("close", (exit) => resolve({ exit, out, err, json: () => JSON.parse(out) }));
      child.stdin.end(input);
    });
  return {
    home,
    runWith,
    run: (...args) => runWith({}, ...args),
    file(name, content) {
      const path = join(home, "scratch", name);
      if (content !== undefined) writeFileSync(path, content);
      return path;
    },
  };
}
