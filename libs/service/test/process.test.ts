import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createTestIdentities } from "@vcc-pki/testkit/identity";
import { afterEach, expect, it, vi } from "vitest";
import { writeIdentity } from "../src/index.ts";

const identities = createTestIdentities();
let child: ChildProcess | undefined;
afterEach(() => void child?.kill("SIGKILL"));

function configFile(more = ""): string {
  const home = mkdtempSync(join(tmpdir(), "pki-tiny-"));
  writeIdentity(join(home, "identity"), identities.forUri("spiffe://vcc.internal/pki/tiny").current());
  const file = join(home, "tiny.yaml");
  writeFileSync(
    file,
    `listen: { host: 127.0.0.1, port: 0 }\nhealth: { host: 127.0.0.1, port: 0 }\nidentityDir: ${home}/identity\n${more}`,
  );
  return file;
}

function run(...args: string[]) {
  const main = new URL("./tiny-main.ts", import.meta.url).pathname;
  const process = spawn("node", [main, ...args], { stdio: ["ignore", "pipe", "pipe"] });
  child = process;
  let output = "";
  for (const stream of [process.stdout, process.stderr]) stream.on("data", (text) => (output += text));
  return {
    process,
    output: () => output,
    lines: () => output.split("\n").flatMap((line) => (line.startsWith("{") ? [JSON.parse(line)] : [])),
    exitCode: async () => (process.exitCode === null ? (await once(process, "close"))[0] : process.exitCode),
  };
}

it("starts, answers, and stops in order on SIGTERM", async () => {
  const tiny = run("--config", configFile());
  const started = await vi.waitFor(() => {
    const line = tiny.lines().find(({ msg }) => msg === "service started");
    expect(line).toBeDefined();
    return line;
  }, 20_000);
  const ready = await fetch(`http://127.0.0.1:${started.healthPort}/readyz`);
  expect([ready.status, await ready.json()]).toEqual([200, { ready: true, checks: { tiny: true, identity: true } }]);
  tiny.process.kill("SIGTERM");
  expect(await tiny.exitCode()).toBe(0);
  expect(tiny.lines().map(({ msg }) => msg)).toEqual([
    "service started",
    "service stops",
    "tiny closed",
    "service stopped",
  ]);
});

it("ends at once when an error was caught by nobody", async () => {
  const tiny = run("--config", configFile("stray: true"));
  expect(await tiny.exitCode()).toBe(1);
  expect(tiny.lines().at(-1)).toMatchObject({ level: "error", error: { message: "nobody listens" } });
});

it("checks a configuration without starting", async () => {
  const good = run("--check", "--config", configFile());
  expect([await good.exitCode(), good.lines()]).toEqual([0, []]);
  const bad = run("--check", "--config", configFile("surprise: 1"));
  expect([await bad.exitCode(), bad.output()]).toEqual([2, expect.stringContaining("surprise")]);
});

it("explains itself", async () => {
  const help = run("--help");
  expect([await help.exitCode(), help.output()]).toEqual([0, expect.stringContaining("--config FILE")]);
  const wrong = run("--confg", "x");
  expect([await wrong.exitCode(), wrong.output()]).toEqual([2, expect.stringContaining("--confg")]);
});
