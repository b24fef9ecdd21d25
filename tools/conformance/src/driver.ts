import { spawn } from "node:child_process";
import { createInterface } from "node:readline";

const TIMEOUT_MS = 60_000;

/** A tool that stays, because starting it costs more than what it is asked: one line in, one line out, in order. */
export interface Driver {
  /** Rejects when the tool ends or is silent for too long. */
  ask(line: string): Promise<string>;
  close(): void;
}

export function startDriver(name: string, file: string, args: readonly string[]): Driver {
  const tool = spawn(file, args, { stdio: ["pipe", "pipe", "inherit"] });
  const waiting: { resolve(line: string): void; reject(error: Error): void }[] = [];
  let ended: Error | undefined;
  const fail = (reason: string) => {
    ended = new Error(`${name} ${reason}`);
    for (const { reject } of waiting.splice(0)) reject(ended);
  };
  createInterface(tool.stdout).on("line", (line) => waiting.shift()?.resolve(line));
  tool.on("exit", (code) => fail(`ended with exit code ${code}`));
  tool.on("error", ({ message }) => fail(`did not start: ${message}`));
  tool.stdin.on("error", () => {}); // it ended, and says so above
  return {
    ask: (line) =>
      new Promise((resolve, reject) => {
        if (ended) return reject(ended);
        waiting.push({ resolve, reject });
        setTimeout(() => reject(new Error(`${name} did not answer in time`)), TIMEOUT_MS).unref();
        tool.stdin.write(`${line}\n`);
      }),
    close: () => tool.stdin.end(),
  };
}
