import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { execa, type Result } from "execa";
import { Agent, request } from "undici";

const repositoryRoot = resolve(import.meta.dirname, "../../..");
const launcher = join(repositoryRoot, "pki");
const GATEWAY_PORT = 8443;
const TAIL_MS = 5_000;

/** What `./pki status --json` says of one process. */
export interface ProcessStatus {
  readonly name: string;
  readonly state: string;
  readonly pid?: number;
  readonly restarts: number;
}

/** A CloudEvent, as far as the tests look. */
export interface PublishedEvent {
  readonly type: string;
  readonly data: Readonly<Record<string, unknown>>;
}

export interface Answer {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: the tests say what they expect of a body
  readonly body: any;
}

/** A whole suite with a home and ports of its own, driven through `./pki` as a person would. */
export interface Suite {
  readonly home: string;
  readonly file: (path: string) => string;
  /** Runs `./pki …`; never throws, look at exitCode. */
  pki(...words: string[]): Promise<Result>;
  /** Runs `./pki … --json` and parses standard output. Throws with what was said on standard error. */
  // biome-ignore lint/suspicious/noExplicitAny: the tests say what they expect of the output
  json(...words: string[]): Promise<any>;
  /** Calls the REST door with the operator's certificate. Throws when there is no answer. */
  rest(method: "GET" | "POST", path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>;
  openssl(...words: string[]): Promise<Result>;
  /** The newest `last` events of this organisation, or of the CLI's own, oldest first, as far as the CLI prints them within this time. */
  events(last: number, options?: { organisation?: string; withinMs?: number }): Promise<PublishedEvent[]>;
  processes(): Promise<ProcessStatus[]>;
  readonly origin: string;
  readonly firstStart: string;
  stop(): Promise<void>;
}

/** Starts a suite on an empty home; `portOffset` keeps it apart from others on this machine. */
export async function startSuite(portOffset: number): Promise<Suite> {
  const home = mkdtempSync(join(tmpdir(), "pki-e2e-"));
  const env = { PKI_HOME: home, PKI_PORT_OFFSET: String(portOffset) };
  const file = (path: string): string => join(home, path);
  const origin = `https://localhost:${GATEWAY_PORT + portOffset}`;
  const pki = (...words: string[]): Promise<Result> => execa(launcher, words, { env, reject: false, stdin: "ignore" });

  const first = await pki("up", "--detach");
  if (first.exitCode !== 0) {
    await pki("down");
    throw new Error(`the suite did not start:\n${first.stdout}\n${first.stderr}`);
  }
  const agent = new Agent({
    connect: {
      ca: readFileSync(file("trust/root.pem")),
      cert: readFileSync(file("operator/admin.pem")),
      key: readFileSync(file("operator/admin-key.pem")),
    },
  });

  return {
    home,
    file,
    pki,
    origin,
    firstStart: `${first.stdout}\n${first.stderr}`,
    async json(...words) {
      const result = await pki(...words, "--json");
      if (result.exitCode !== 0) throw new Error(`./pki ${words.join(" ")}: ${result.exitCode}\n${result.stderr}`);
      return JSON.parse(String(result.stdout));
    },
    async rest(method, path, body, headers = {}) {
      const sent = body === undefined ? {} : { body: JSON.stringify(body) };
      const type = body === undefined ? {} : { "content-type": "application/json" };
      const answer = await request(`${origin}${path}`, {
        method,
        dispatcher: agent,
        headers: { ...type, ...headers },
        ...sent,
      });
      const text = await answer.body.text();
      return { status: answer.statusCode, body: text === "" ? undefined : JSON.parse(text) };
    },
    openssl: (...words) => execa("openssl", words, { reject: false, stdin: "ignore" }),
    async events(last, { organisation, withinMs = TAIL_MS } = {}) {
      // It follows until interrupted; what is there already comes at once.
      const whose = organisation === undefined ? [] : ["--organisation", organisation];
      const tail = await execa(launcher, ["events", "tail", "--last", String(last), "--json", ...whose], {
        ...{ env, reject: false, stdin: "ignore", timeout: withinMs, killSignal: "SIGINT" },
      });
      if (!tail.timedOut) throw new Error(`pki events tail: ${tail.stderr}`);
      return String(tail.stdout)
        .split("\n")
        .filter((line) => line !== "")
        .map((line) => JSON.parse(line));
    },
    async processes() {
      const result = await pki("status", "--json");
      return JSON.parse(String(result.stdout)).processes;
    },
    async stop() {
      await agent.close();
      await pki("down");
      rmSync(home, { recursive: true, force: true });
    },
  };
}

/** Repeats `attempt` until it returns a value; fails after `withinMs` with the last error. */
export async function eventually<T>(attempt: () => Promise<T>, withinMs = 30_000): Promise<T> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await new Promise((done) => setTimeout(done, 200));
    }
  }
}
