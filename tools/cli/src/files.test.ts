import { mkdtempSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { writeWhole } from "./files.ts";
import { UsageError } from "./usage.ts";

const newFile = () => {
  const directory = mkdtempSync(join(tmpdir(), "cli-files-"));
  return { directory, file: join(directory, "key.pem") };
};

describe("writing a file", () => {
  it("gives a key to nobody else and leaves no draft behind", () => {
    const { directory, file } = newFile();
    writeWhole(file, "secret", { mode: 0o600 });
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readdirSync(directory)).toEqual(["key.pem"]);
  });

  it("never replaces what is there, unless told to", () => {
    const { directory, file } = newFile();
    writeFileSync(file, "old");
    expect(() => writeWhole(file, "new")).toThrow(UsageError);
    expect(readFileSync(file, "utf8")).toBe("old");
    writeWhole(file, "new", { force: true });
    expect(readFileSync(file, "utf8")).toBe("new");
    expect(readdirSync(directory)).toEqual(["key.pem"]);
  });

  it("says what is wrong with the place", () => {
    const { directory } = newFile();
    expect(() => writeWhole(join(directory, "no/such/place"), "x")).toThrow(UsageError);
  });
});
