import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { silentLogger } from "@vcc-pki/telemetry";
import { describe, expect, it, onTestFinished } from "vitest";
import { loadSettings } from "../src/config.ts";
import { runProgram } from "../src/program.ts";
import { type Door, newDoor } from "./door.ts";

/** `vcc-agent` in a directory of its own. */
function newMachine(door: Door) {
  const home = mkdtempSync(join(tmpdir(), "vcc-agent-program-"));
  const config = join(home, "agent.yaml");
  const run = async (words: string[], env: Record<string, string> = {}) => {
    const said = { out: "", err: "" };
    const exit = await runProgram(words, {
      env: { VCC_AGENT_CONFIG: config, ...env },
      clock: door.clock,
      random: () => 0.5,
      out: (text) => {
        said.out += text;
      },
      err: (text) => {
        said.err += text;
      },
      logger: () => silentLogger,
      stop: new AbortController().signal,
    });
    return { exit, ...said };
  };
  const enrol = (words: string[], env: Record<string, string>) =>
    run(
      [
        ...["enrol", "--server", door.origin, "--ca-fingerprint", door.fingerprint, "--state-dir", join(home, "state")],
        ...["--organisation", "brandenburg", "--service", "argus", ...words],
      ],
      env,
    );
  return { home, config, run, enrol };
}

describe("vcc-agent enrol", () => {
  it("brings a service from nothing to a certificate, and describes it in agent.yaml", async () => {
    const door = await newDoor();
    const { home, config, run, enrol } = newMachine(door);
    const directory = join(home, "tls");
    const words = ["--dns", "argus.vcc.internal", "--directory", directory, "--json"];
    const enrolled = await enrol(words, { VCC_ENROL_TOKEN: door.newToken() });
    expect(enrolled.err).toBe("");
    expect(enrolled.exit).toBe(0);
    expect(JSON.parse(enrolled.out)).toMatchObject({ health: "ok", serial_number: door.issued[0] });
    expect(readFileSync(join(directory, "cert.pem"), "utf8")).toContain("BEGIN CERTIFICATE");
    expect(readFileSync(config, "utf8")).not.toContain("vcc-enrol-1");
    const status = await run(["status"]);
    expect(status).toMatchObject({
      exit: 0,
      out: expect.stringContaining(`argus: ok\n  certificate ${door.issued[0]}`),
    });
    expect((await run(["once"])).exit).toBe(0);
  });

  it("takes the token from a file, and fingerprints as people copy them", async () => {
    const door = await newDoor();
    const { home, run, enrol } = newMachine(door);
    const tokenFile = join(home, "token");
    writeFileSync(tokenFile, `${door.newToken()}\n`);
    expect((await enrol(["--token-file", tokenFile], {})).exit).toBe(0);
    const colons = door.fingerprint.toUpperCase().replace(/(..)(?=.)/g, "$1:");
    const again = await run(["enrol", "argus", "--ca-fingerprint", `SHA256:${colons}`, "--token", door.newToken()]);
    expect(again.exit).toBe(0);
    expect(door.issued).toHaveLength(2);
  });

  it("asks administrators, and says with which key", async () => {
    const door = await newDoor();
    const { run, enrol } = newMachine(door);
    const asked = await enrol(["--request"], {});
    expect(asked.exit).toBe(6);
    const [, requestId = ""] = /request (\S+)/.exec(asked.err) ?? [];
    expect(asked.err).toMatch(/public key \(SHA-256\): [0-9a-f]{64}/);
    expect((await run(["status"])).exit).toBe(6);
    door.approve(requestId, true);
    expect((await run(["once"])).exit).toBe(0);
  });

  it.each([
    ["without token and request", [], 2],
    ["with both", ["--request", "--token", "x"], 2],
    ["with a token that is nobody's", ["--token", "x"], 3],
    ["with a name that is none", ["--token", "x", "--dns", "not a name"], 2],
    ["with two ways to reload", ["--token", "x", "--pid-file", "p", "--reload-url", "http://127.0.0.1/"], 2],
    ["with a hook on another machine", ["--token", "x", "--reload-url", "http://10.0.0.1/"], 2],
  ])("%s ends with the code that says so", async (_, words, exit) => {
    const door = await newDoor();
    const { enrol } = newMachine(door);
    expect((await enrol(words, {})).exit).toBe(exit);
    expect(door.issued).toEqual([]);
  });

  it("with another fingerprint ends with 3 and writes no key", async () => {
    const door = await newDoor();
    const { home, run } = newMachine(door);
    const other = "0".repeat(64);
    const words = ["enrol", "--server", door.origin, "--ca-fingerprint", other, "--state-dir", join(home, "state")];
    const refused = await run([
      ...words,
      "--organisation",
      "brandenburg",
      "--service",
      "argus",
      "--token",
      "x",
      "--json",
    ]);
    expect(refused.exit).toBe(3);
    expect(JSON.parse(refused.err)).toMatchObject({ code: "SERVER_NOT_TRUSTED" });
    expect(existsSync(join(home, "state", "argus", "pending"))).toBe(false);
  });

  it("does not leave the token where `ps` shows it", async () => {
    const main = new URL("../src/main.ts", import.meta.url).pathname;
    const home = mkdtempSync(join(tmpdir(), "vcc-agent-ps-"));
    // A server that never answers: the agent waits, and can be looked at.
    const { createServer } = await import("node:net");
    const silent = createServer().listen(0, "127.0.0.1");
    onTestFinished(() => void silent.close());
    await new Promise((resolve) => silent.once("listening", resolve));
    const { port } = silent.address() as { port: number };
    const words = [
      "enrol",
      "--server",
      `https://127.0.0.1:${port}`,
      "--ca-fingerprint",
      "0".repeat(64),
      "--token",
      "vcc-enrol-1.secret",
    ];
    const more = [
      "--organisation",
      "brandenburg",
      "--service",
      "argus",
      "--config",
      join(home, "agent.yaml"),
      "--state-dir",
      home,
    ];
    const agent = spawn(process.execPath, [main, ...words, ...more], { stdio: "ignore" });
    onTestFinished(() => void agent.kill("SIGKILL"));
    await new Promise((resolve) => silent.once("connection", resolve));
    expect(readFileSync(`/proc/${agent.pid}/cmdline`, "utf8")).not.toContain("vcc-enrol-1");
  });
});

describe("agent.yaml", () => {
  const root = new URL("../../..", import.meta.url).pathname;

  it("has an example that can be read", () => {
    const { identities } = loadSettings(join(root, "deploy/agent/agent.yaml"));
    expect(identities.map(({ name }) => name)).toEqual(["argus", "argus-proxy"]);
  });

  it("takes directory and names of a known service from services.yaml", async () => {
    const home = mkdtempSync(join(tmpdir(), "vcc-agent-config-"));
    const file = join(home, "agent.yaml");
    const services = join(root, "deploy/policies/services.yaml");
    const write = (profile: string) =>
      writeFileSync(
        file,
        `server: https://localhost\nstateDir: s\nservices: ${services}\nidentities:\n  - { organisation: abc, service: a, layout: { profile: ${profile} } }\n`,
      );
    write("argus");
    const [identity] = loadSettings(file).identities;
    expect(identity?.layout).toMatchObject({ directory: "/app/certs", profile: { certificate: "argus-service.crt" } });
    write("themisdb");
    expect(() => loadSettings(file)).toThrow(expect.objectContaining({ code: "CONFIG_INVALID" }));
  });
});

describe("vcc-agent status", () => {
  it("ends with 11 for an identity that never had a certificate", async () => {
    const door = await newDoor();
    const { config, run } = newMachine(door);
    writeFileSync(
      config,
      `server: ${door.origin}\nstateDir: state\nidentities:\n  - { organisation: brandenburg, service: argus }\n`,
    );
    expect(await run(["status"])).toMatchObject({ exit: 11, out: "argus: not enrolled\n" });
  });

  it.each([
    ["is not there", undefined],
    ["has an unknown key", "server: https://localhost\nstateDir: s\nidentities: []\nservers: []\n"],
    ["has a server without TLS", "server: http://localhost\nstateDir: s\nidentities: []\n"],
    [
      "has one identity twice",
      "server: https://localhost\nstateDir: s\nidentities:\n  - { organisation: vcc, service: a }\n  - { organisation: abc, service: a }\n",
    ],
    [
      "names no layout that there is",
      "server: https://localhost\nstateDir: s\nidentities:\n  - { organisation: abc, service: a, layout: { directory: d, profile: argus } }\n",
    ],
    [
      "has an organisation that cannot be",
      "server: https://localhost\nstateDir: s\nidentities:\n  - { organisation: ../x, service: a }\n",
    ],
    ["is no YAML", "server: [\n"],
  ])("ends with 2 when agent.yaml %s", async (_, text) => {
    const door = await newDoor();
    const { config, run } = newMachine(door);
    if (text !== undefined) writeFileSync(config, text);
    expect((await run(["status"])).exit).toBe(2);
  });
});
