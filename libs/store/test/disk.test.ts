import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { createKeyFile, openStore } from "../src/index.ts";
import { newStore, storeOptions } from "./harness.ts";

const INVALID = expect.objectContaining({ code: "CONFIG_INVALID" });
const PLAIN = "a text that must not be readable";

describe.each(["sqlcipher", "aegis"] as const)("database file (%s)", (cipher) => {
  it("is encrypted, WAL and backup too, and private", async () => {
    const options = storeOptions({ cipher });
    const { store, tell } = newStore(options);
    await store.write(() => tell(PLAIN));
    const copy = `${options.file}.copy`;
    await store.backup(copy);
    for (const file of [`${options.file}-wal`, options.file, copy]) {
      const bytes = readFileSync(file);
      expect(bytes.length, file).toBeGreaterThan(4_096);
      expect(bytes.includes(PLAIN), file).toBe(false);
      expect(bytes.includes("SQLite format 3"), file).toBe(false);
      expect(statSync(file).mode & 0o777, file).toBe(0o600);
    }
    expect(statSync(dirname(options.file)).mode & 0o077).toBe(0);
  });

  it("opens with its key and cipher only", async () => {
    const options = storeOptions({ cipher });
    const { store, tell } = newStore(options);
    await store.write(() => tell(PLAIN));
    await store.close();
    const otherKey = join(dirname(options.file), "other.key");
    createKeyFile(otherKey);
    expect(() => openStore({ ...options, keyFile: otherKey })).toThrow(INVALID);
    expect(() => openStore({ ...options, cipher: cipher === "aegis" ? "sqlcipher" : "aegis" })).toThrow(INVALID);
    expect(() => openStore({ ...options, keyFile: undefined })).toThrow(INVALID);
    expect(newStore(options).texts()).toEqual([PLAIN]);
  });

  it("can be copied while it is written to, and the copy is consistent", async () => {
    const options = storeOptions({ cipher });
    const { store, tell } = newStore(options);
    let writing = true;
    let written = 0;
    const writer = (async () => {
      while (writing) await store.write(() => tell(`note ${written++}`));
    })();
    while (written < 100) await new Promise(setImmediate);
    const copy = join(dirname(options.file), "copy.db");
    const before = written;
    await store.backup(copy);
    writing = false;
    await writer;
    const restored = newStore({ ...options, file: copy });
    const count = restored.texts().length;
    expect(count).toBeGreaterThanOrEqual(before - 1);
    expect(restored.store.audit.verify().sequence).toBe(count);
    expect(restored.store.outbox.pendingCount()).toBe(count);
  });

  it("is never copied over something", async () => {
    const options = storeOptions({ cipher });
    const { store } = newStore(options);
    const precious = join(dirname(options.file), "precious");
    writeFileSync(precious, "precious");
    await expect(store.backup(precious)).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
    expect(readFileSync(precious, "utf8")).toBe("precious");
  });
});

describe("database file", () => {
  it("needs no WAL after closing, however much was written", async () => {
    const options = storeOptions();
    const { store, insert } = newStore(options);
    const text = "x".repeat(2_000);
    let written = 0;
    const write = async () => {
      while (written < 10_000) await store.write(() => insert(`${written++} ${text}`));
    };
    await Promise.all(Array.from({ length: 16 }, write));
    await store.close();
    expect(existsSync(`${options.file}-wal`)).toBe(false);
    expect(newStore(options).texts()).toHaveLength(written);
  });

  it("is refused when it is something else", () => {
    const options = storeOptions();
    const file = join(dirname(options.keyFile), "other");
    writeFileSync(file, "not a database, but long enough to be looked at ".repeat(100));
    expect(() => openStore({ ...options, file })).toThrow(INVALID);
  });

  it("cannot be a directory", () => {
    const options = storeOptions();
    expect(() => openStore({ ...options, file: dirname(options.keyFile) })).toThrow(
      expect.objectContaining({ code: "STORE_UNAVAILABLE" }),
    );
  });
});
