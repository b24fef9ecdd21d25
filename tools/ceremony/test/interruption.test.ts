import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { inspectToken } from "@vcc-pki/hsm-gateway";
import { describe, expect, it } from "vitest";
import { readConfigurations } from "../src/in-process.ts";
import { verifyTranscript } from "../src/index.ts";
import { copyScript, DEVELOPMENT, newDirectory, newHome, run } from "./harness.ts";

/** Runs the ceremony until a line shown begins with `line`, and interrupts it there. */
async function runUntil(home: ReturnType<typeof newHome>, line: string): Promise<void> {
  const interrupt = new AbortController();
  const say = (text: string) => {
    if (text.trimStart().startsWith(line)) interrupt.abort(new Error("interrupted"));
  };
  await expect(run({ home, say, signal: interrupt.signal })).rejects.toThrow("interrupted");
}

/** Runs the ceremony as a process of its own and kills it as soon as it has begun a step. */
async function killInStep(home: ReturnType<typeof newHome>, step: number): Promise<void> {
  const main = join(import.meta.dirname, "../src/main.ts");
  const child = spawn(process.execPath, [main, "run", DEVELOPMENT, "--home", home.directory], { stdio: "ignore" });
  const exited = once(child, "exit");
  const { transcript } = home.ceremony;
  const hasBegun = () =>
    existsSync(transcript) && readFileSync(transcript, "utf8").includes(`"facts":{"number":${step},`);
  while (!hasBegun() && child.exitCode === null) await sleep(1);
  child.kill("SIGKILL");
  const [, signal] = await exited;
  expect(signal).toBe("SIGKILL");
}

describe("a ceremony that was interrupted", () => {
  it("goes on where it stopped and makes nothing twice", async () => {
    const home = newHome();
    await runUntil(home, "[1/");
    await runUntil(home, "[4/");
    await runUntil(home, "[5/");
    await run({ home });
    expect(
      inspectToken(readConfigurations(home).hsmGateway.token)
        .privateKeys.map(({ label }) => label)
        .sort(),
    ).toEqual([
      ...["vcc-admin-ca", "vcc-code-signing-ca", "vcc-external-orgs-ca", "vcc-platform-ca"],
      ...["vcc-root-ca", "vcc-services-ca", "vcc-tsa-ca"],
    ]);
    const resumed = verifyTranscript(home).filter(({ event }) => event === "ceremony resumed");
    expect(resumed.length).toBe(3);
  });

  it("goes on after kill -9 in the middle of a step", async () => {
    const home = newHome();
    for (const step of [1, 3, 4, 5, 6, 8, 9, 10]) await killInStep(home, step);
    await run({ home });
    expect(inspectToken(readConfigurations(home).hsmGateway.token).privateKeys.length).toBe(7);
    expect(verifyTranscript(home).filter(({ event }) => event === "step done").length).toBe(10);
  });

  it("does not go on with another script", async () => {
    const home = newHome();
    await runUntil(home, "[2/");
    const other = copyScript(DEVELOPMENT, newDirectory());
    await expect(run({ home, script: other })).rejects.toMatchObject({ code: "ALREADY_EXISTS" });
  });
});

describe("keys of which no transcript tells", () => {
  it("are not taken over", async () => {
    const home = newHome();
    await runUntil(home, "[2/");
    rmSync(home.ceremony.transcript);
    await expect(run({ home })).rejects.toMatchObject({ code: "ALREADY_EXISTS" });
  });
});
