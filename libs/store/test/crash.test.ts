import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import type { Cipher } from "../src/index.ts";
import { newStore, storeOptions } from "./harness.ts";

const WRITER = fileURLToPath(new URL("crash-writer.ts", import.meta.url));

/** Lets a process write until it has acknowledged `count` notes, kills it with SIGKILL, and returns all it acknowledged. */
async function writeAndKill(
  file: string,
  keyFile: string,
  first: number,
  count: number,
  cipher: Cipher,
): Promise<string[]> {
  const child = spawn(process.execPath, [WRITER, file, keyFile, String(first), cipher], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const exited = once(child, "exit");
  const acknowledged: string[] = [];
  for await (const line of createInterface(child.stdout)) {
    acknowledged.push(line);
    if (acknowledged.length === count) child.kill("SIGKILL");
  }
  expect((await exited)[1]).toBe("SIGKILL");
  return acknowledged;
}

describe.each(["sqlcipher", "aegis"] as const)("kill -9 of a writing process (%s)", (cipher) => {
  // The third count is large enough for the checkpointing thread to be at work when the process dies.
  it("loses nothing that was acknowledged, and keeps fact, audit record and event together", async () => {
    const options = storeOptions({ cipher });
    const acknowledged: string[] = [];
    for (const [round, count] of [1, 150, 3_000, 700].entries()) {
      acknowledged.push(...(await writeAndKill(options.file, options.keyFile, round * 1_000_000, count, cipher)));
      const { store, texts, tell } = newStore(options);
      const stored = texts();
      expect(new Set(stored).isSupersetOf(new Set(acknowledged))).toBe(true);

      expect(store.audit.verify().sequence).toBe(stored.length);
      expect(store.audit.read(0, 1e6).map(({ target }) => target)).toEqual(stored);
      expect(store.outbox.pending(1e6).map(({ data }) => (data as { text: string }).text)).toEqual(stored);
      expect(store.db.pragma("integrity_check", { simple: true })).toBe("ok");

      await store.write(() => tell(`after crash ${round}`));
      await store.close();
    }
  });
});
