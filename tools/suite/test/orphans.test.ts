import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { newDirectory } from "./directory.ts";
import { isRunning, until } from "./harness.ts";

it("a supervisor that is killed leaves no orphan, not even one that ignores SIGTERM", async () => {
  const directory = newDirectory();
  const runner = spawn(process.execPath, [join(import.meta.dirname, "run-supervisor.ts"), directory], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  onTestFinished(() => void runner.kill("SIGKILL"));
  const [line] = await once(runner.stdout, "data");
  const pids: number[] = JSON.parse(String(line));
  expect(pids.length).toBe(3);
  expect(pids.every(isRunning)).toBe(true);

  runner.kill("SIGKILL");
  await once(runner, "exit");
  await until(() => !pids.some(isRunning));
  expect(readFileSync(join(directory, "stubborn.log"), "utf8")).toBe("listening\n");
});
