import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { probeReadyz } from "../src/probe.ts";
import type { ProcessSpec, Timing } from "../src/process.ts";

export const FAST: Timing = {
  firstBackOffMs: 20,
  maxBackOffMs: 80,
  forgiveAfterMs: 60_000,
  probeEveryMs: 10,
  readyWithinMs: 30_000,
  graceMs: 300,
};

// A child that answers /readyz on a free port, which it writes to a file for its probe to find. `behaviour` runs first.
const CHILD = `
import { createServer } from "node:http";
import { writeFileSync } from "node:fs";
const [portFile, behaviour] = process.argv.slice(2);
if (behaviour === "dies") process.exit(7);
if (behaviour === "stubborn") process.on("SIGTERM", () => console.log("no"));
else process.on("SIGTERM", () => { console.log("stopping"); process.exit(0); });
const server = createServer((request, response) => response.end(JSON.stringify(
  behaviour === "unready" ? { ready: false, checks: { child: "sulks" } } : { ready: true, checks: { child: true } }
)));
server.listen(0, "127.0.0.1", () => { writeFileSync(portFile, String(server.address().port)); console.log("listening"); });
`;

export interface ChildOptions {
  readonly after?: readonly string[];
  readonly behaviour?: "normal" | "dies" | "stubborn" | "unready";
}

/** A real little process under `directory`. */
export function childSpec(
  directory: string,
  name: string,
  { after = [], behaviour = "normal" }: ChildOptions = {},
): ProcessSpec {
  const script = join(directory, "child.mjs");
  const portFile = join(directory, `${name}.port`);
  writeFileSync(script, CHILD);
  return {
    name,
    after,
    command: [process.execPath, script, portFile, behaviour],
    environment: {},
    ports: [],
    probe: async () => {
      try {
        return await probeReadyz("127.0.0.1", Number(readFileSync(portFile, "utf8")));
      } catch {
        return { ready: false, checks: { child: "has no port yet" } };
      }
    },
  };
}

/** Whether a process runs. One that has ended but was not collected yet (a zombie) does not. */
export function isRunning(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}

/** Waits until `condition` holds; the test's own timeout is the limit. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await sleep(10);
}
