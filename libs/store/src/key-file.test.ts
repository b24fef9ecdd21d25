import { chmodSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { storeOptions, tempDirectory } from "../test/harness.ts";
import { createKeyFile, openStore } from "./index.ts";

describe("key file", () => {
  it("holds 64 hex digits that nobody else can read, and is made once", () => {
    const path = join(tempDirectory(), "new", "db.key");
    createKeyFile(path);
    const text = readFileSync(path, "utf8");
    expect(text).toMatch(/^[0-9a-f]{64}\n$/);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(() => createKeyFile(path)).toThrow(expect.objectContaining({ code: "CONFIG_INVALID" }));
    expect(readFileSync(path, "utf8")).toBe(text);
  });

  it.each<[string, (path: string) => void]>([
    ["readable by the group", (path) => chmodSync(path, 0o640)],
    ["readable by others", (path) => chmodSync(path, 0o604)],
    ["too short", (path) => writeFileSync(path, "ab".repeat(31))],
    ["too long", (path) => writeFileSync(path, "ab".repeat(33))],
    ["not hex", (path) => writeFileSync(path, "zz".repeat(32))],
    ["empty", (path) => writeFileSync(path, "")],
    ["an injection", (path) => writeFileSync(path, `${"a".repeat(60)}'";-`)],
  ])("is refused when %s", (_case, spoil) => {
    const options = storeOptions();
    spoil(options.keyFile);
    expect(() => openStore(options)).toThrow(expect.objectContaining({ code: "CONFIG_INVALID" }));
  });

  it("is refused when it is missing", () => {
    const options = storeOptions({ keyFile: join(tempDirectory(), "none") });
    expect(() => openStore(options)).toThrow(expect.objectContaining({ code: "CONFIG_INVALID" }));
  });
});
