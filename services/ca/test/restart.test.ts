import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createKeyFile, openStore } from "@vcc-pki/store";
import { fakeClock } from "@vcc-pki/testkit/clock";
import { afterEach, describe, expect, it } from "vitest";
import { bumpGeneration } from "../src/index.ts";
import { SerialSource } from "../src/serial.ts";
import { readGeneration } from "../src/store/generation.ts";
import { KeyTable } from "../src/store/keys.ts";
import { type CaHarness, newCa, PROFILES_DIR } from "./harness.ts";

let suite: CaHarness | undefined;
afterEach(async () => {
  await suite?.close();
  suite = undefined;
});

describe("profiles over restarts", () => {
  it("become a new version, with an event, when their YAML changes, and none when it does not", async () => {
    const profilesDir = mkdtempSync(join(tmpdir(), "vcc-profiles-"));
    mkdirSync(profilesDir, { recursive: true });
    for (const file of readdirSync(PROFILES_DIR)) copyFileSync(join(PROFILES_DIR, file), join(profilesDir, file));
    suite = await newCa({ authorities: [], config: { profilesDir } });
    const versionOf = async (profile: string) => (await suite?.as("ocsp").profiles.get({ profile }))?.version;
    const changes = () =>
      suite?.store.outbox.pending(1_000).filter(({ type }) => type === "pki.policy.changed.v1").length;
    const shipped = readdirSync(PROFILES_DIR).length;
    expect([await versionOf("admin"), changes()]).toEqual([1, shipped]);

    await suite.restart();
    expect([await versionOf("admin"), changes()]).toEqual([1, shipped]);

    const file = join(profilesDir, "admin.yaml");
    writeFileSync(file, readFileSync(file, "utf8").replace("90d", "60d"));
    await suite.restart();
    expect([await versionOf("admin"), await versionOf("platform"), changes()]).toEqual([2, 1, shipped + 1]);

    writeFileSync(file, "profile: admin\n");
    await expect(suite.restart()).rejects.toThrow(expect.objectContaining({ code: "CONFIG_INVALID" }));
    rmSync(profilesDir, { recursive: true });
  });
});

describe("a restored backup", () => {
  it("does not repeat serial numbers once the generation is raised", async () => {
    const directory = mkdtempSync(join(tmpdir(), "vcc-generation-"));
    createKeyFile(join(directory, "db.key"));
    const clock = fakeClock();
    const migrations = new URL("../migrations/", import.meta.url);
    const store = openStore({ file: join(directory, "ca.db"), keyFile: join(directory, "db.key"), migrations, clock });
    const zero = (bytes: Uint8Array) => bytes.fill(0); // the worst luck
    const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");
    const before = hex(new SerialSource(readGeneration(store.db), clock, zero).next());
    expect(hex(new SerialSource(readGeneration(store.db), clock, zero).next())).toBe(before);
    expect(await bumpGeneration(store, clock)).toBe(2);
    expect(hex(new SerialSource(readGeneration(store.db), clock, zero).next())).not.toBe(before);
    for (let generation = 3; generation <= 127; generation++) await bumpGeneration(store, clock);
    await expect(bumpGeneration(store, clock)).rejects.toThrow(expect.objectContaining({ code: "CONFIG_INVALID" }));
    await store.close();
    rmSync(directory, { recursive: true });
  });
});

describe("holders of keys", () => {
  it("are remembered over restarts, thousands of them", async () => {
    suite = await newCa();
    const { store } = suite;
    const keys = new KeyTable(store.db);
    const hashOf = (i: number) => {
      const { hash } = process.getBuiltinModule("node:crypto");
      return hash("sha256", String(i), "buffer");
    };
    const holder = (i: number) => ({ organisation: i % 2 ? "vcc" : "brandenburg", purpose: "clientAuth" });
    await store.write(() => {
      for (let i = 0; i < 20_000; i++) expect(keys.claim(hashOf(i), holder(i))).toBe(true);
    });
    for (const table of [keys, new KeyTable(store.db)]) {
      for (let i = 0; i < 20_000; i += 97) expect(table.findHolder(hashOf(i))).toEqual(holder(i));
      expect(table.findHolder(hashOf(20_001))).toBeUndefined();
    }
    await store.write(() => {
      expect(keys.claim(hashOf(0), { organisation: "vcc", purpose: "clientAuth" })).toBe(false);
      expect(keys.claim(hashOf(0), { organisation: "brandenburg", purpose: "codeSigning" })).toBe(false);
      expect(keys.claim(hashOf(0), holder(0))).toBe(true);
    });
  });

  it("forget a claim whose write failed", async () => {
    suite = await newCa();
    const keys = new KeyTable(suite.store.db);
    const hash = new Uint8Array(32).fill(7);
    await suite.store.write(() => keys.claim(hash, { organisation: "vcc", purpose: "a" }));
    keys.release(hash);
    expect(keys.findHolder(hash)).toBeUndefined();
    await suite.store.write(() => expect(keys.claim(hash, { organisation: "brandenburg", purpose: "b" })).toBe(true));
    expect(keys.findHolder(hash)).toEqual({ organisation: "brandenburg", purpose: "b" });
  });
});
