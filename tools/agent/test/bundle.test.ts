import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { bundleAgent, NODE_FLAGS } from "../src/bundle.ts";

it("runs with the flags that the systemd unit gives it", () => {
  const unit = readFileSync(new URL("../../../deploy/agent/vcc-agent.service", import.meta.url), "utf8");
  expect(unit).toContain(`ExecStart=/usr/bin/node ${NODE_FLAGS.join(" ")} /opt/vcc-agent/vcc-agent.mjs run `);
});

it("runs as plain JavaScript, away from this checkout", async () => {
  const directory = mkdtempSync(join(tmpdir(), "vcc-agent-bundle-"));
  const file = await bundleAgent(directory);
  const config = join(directory, "agent.yaml");
  const identity = "  - { organisation: brandenburg, service: argus }\n";
  writeFileSync(config, `server: https://localhost:1\nstateDir: state\nidentities:\n${identity}`);
  const run = (...words: string[]) =>
    spawnSync(process.execPath, [...NODE_FLAGS, "--no-strip-types", file, ...words], { cwd: "/", encoding: "utf8" });
  expect(run("--help")).toMatchObject({ status: 0, stdout: expect.stringContaining("Exit codes:") });
  expect(run("status", "--config", config)).toMatchObject({ status: 11, stdout: "argus: not enrolled\n" });
  expect(run("once", "--config", config)).toMatchObject({ status: 11 });
});
