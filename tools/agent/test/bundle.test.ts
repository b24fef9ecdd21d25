import { spawnSync } from "node:child_process";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { bundleAgent } from "../src/bundle.ts";

it("runs as plain JavaScript, away from this checkout", async () => {
  const directory = mkdtempSync(join(tmpdir(), "vcc-agent-bundle-"));
  const file = await bundleAgent(directory);
  const config = join(directory, "agent.yaml");
  const identity = "  - { organisation: brandenburg, service: argus }\n";
  writeFileSync(config, `server: https://localhost:1\nstateDir: state\nidentities:\n${identity}`);
  const run = (...words: string[]) =>
    spawnSync(process.execPath, ["--no-strip-types", file, ...words], { cwd: "/", encoding: "utf8" });
  expect(run("--help")).toMatchObject({ status: 0, stdout: expect.stringContaining("Exit codes:") });
  expect(run("status", "--config", config)).toMatchObject({ status: 11, stdout: "argus: not enrolled\n" });
  expect(run("once", "--config", config)).toMatchObject({ status: 11 });
});
