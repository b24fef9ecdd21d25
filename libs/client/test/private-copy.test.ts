import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { PrivateCopy } from "../src/private-copy.ts";
import { newScratch } from "./scratch.ts";

const exists = expect.objectContaining({ code: "ALREADY_EXISTS" });
const mode = (path: string) => statSync(path).mode & 0o777;

describe("a private copy", () => {
  it("is at its place when it is whole, for this user alone", () => {
    const { at, directory } = newScratch();
    const copy = new PrivateCopy(at("copy"));
    copy.write("SHA256SUMS", Buffer.from("list"));
    copy.write("a/b/c", Buffer.from("deep"));
    expect(existsSync(at("copy"))).toBe(false);
    copy.commit();
    expect(readFileSync(at("copy/a/b/c"), "utf8")).toBe("deep");
    expect(["copy", "copy/a", "copy/a/b"].map((path) => mode(at(path)))).toEqual([0o700, 0o700, 0o700]);
    expect(mode(at("copy/SHA256SUMS"))).toBe(0o600);
    expect(readdirSync(directory)).toEqual(["copy"]);
  });

  it("leaves nothing when it is given up", () => {
    const { at, directory } = newScratch();
    const copy = new PrivateCopy(at("copy"));
    copy.write("a/b", Buffer.from("x"));
    copy.discard();
    expect(readdirSync(directory)).toEqual([]);
  });

  it("leaves nothing when the process ends in between, as on Ctrl-C", () => {
    const { at, directory } = newScratch();
    const module = new URL("../src/private-copy.ts", import.meta.url).href;
    const script = `import { PrivateCopy } from ${JSON.stringify(module)};
      new PrivateCopy(${JSON.stringify(at("copy"))}).write("a/b", Buffer.from("x"));
      process.exit(130);`;
    const { status } = spawnSync(process.execPath, ["--input-type=module", "--eval", script]);
    expect([status, readdirSync(directory)]).toEqual([130, []]);
  });

  it("replaces nothing, whatever it is and whenever it came", () => {
    for (const make of [
      (path: string) => writeFileSync(path, ""),
      (path: string) => void mkdirSync(`${path}/full`, { recursive: true }),
      (path: string) => symlinkSync("/", path),
    ]) {
      const { at } = newScratch();
      const late = new PrivateCopy(at("copy"));
      make(at("copy"));
      expect(() => new PrivateCopy(at("copy"))).toThrow(exists);
      expect(() => late.commit()).toThrow(exists);
      late.discard();
    }
    const { at } = newScratch();
    const dangling = new PrivateCopy(at("copy"));
    symlinkSync("nowhere", at("copy"));
    expect(() => dangling.commit()).toThrow(exists);
  });

  it("is not begun where nothing can be written", () => {
    const { at } = newScratch();
    expect(() => new PrivateCopy(at("missing/copy"))).toThrow(expect.objectContaining({ code: "FILE_UNREADABLE" }));
  });
});
