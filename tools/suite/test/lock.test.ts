import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, it, onTestFinished } from "vitest";
import { homeAt, isLocked, lockHome } from "../src/index.ts";
import { newDirectory } from "./directory.ts";

const LOCK_SOURCE = new URL("../src/index.ts", import.meta.url).href;

it("a home has one lock, free again after its release", () => {
  const home = homeAt(newDirectory());
  expect(isLocked(home)).toBe(false);
  const lock = lockHome(home);
  expect(isLocked(home)).toBe(true);
  expect(() => lockHome(home)).toThrow(expect.objectContaining({ code: "ALREADY_EXISTS" }));
  lock.release();
  expect(isLocked(home)).toBe(false);
});

it("the lock of a killed process is free", async () => {
  const directory = newDirectory();
  const script = `import { homeAt, lockHome } from ${JSON.stringify(LOCK_SOURCE)};
    lockHome(homeAt(${JSON.stringify(directory)})); console.log("held"); setInterval(() => {}, 1000);`;
  const holder = spawn(process.execPath, ["--input-type=module-typescript", "-e", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  onTestFinished(() => void holder.kill("SIGKILL"));
  await once(holder.stdout, "data");
  const home = homeAt(directory);
  expect(isLocked(home)).toBe(true);
  holder.kill("SIGKILL");
  await once(holder, "exit");
  expect(isLocked(home)).toBe(false);
});
