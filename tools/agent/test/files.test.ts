import { execFileSync, spawnSync } from "node:child_process";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { fileSet, isInPlace, type NamedFile } from "../src/files/file-set.ts";

const newDirectory = (): string => mkdtempSync(join(tmpdir(), "vcc-agent-files-"));

/** A set whose every file says which generation it is of. */
const generation = (word: string): NamedFile[] => [
  { name: "ca.pem", content: `ca ${word}\n`, mode: 0o644 },
  { name: "cert.pem", content: `certificate ${word}\n`, mode: 0o644 },
  { name: "key.pem", content: `key ${word}\n`, mode: 0o600 },
];

/** The one way in and the other keep the same promises. */
describe.each([
  ["links", true],
  ["renames", false],
])("a set by %s", (_, links) => {
  const newSet = () => {
    const directory = newDirectory();
    return {
      directory,
      set: fileSet(directory, { links }),
      has: (word: string) => isInPlace(directory, generation(word)),
    };
  };

  it("puts all files in place, each with its mode", () => {
    const { directory, set, has } = newSet();
    set.install(generation("one"));
    expect(has("one")).toBe(true);
    expect(statSync(join(directory, "key.pem")).mode & 0o777).toBe(0o600);
    expect(statSync(join(directory, "cert.pem")).mode & 0o777).toBe(0o644);
  });

  it("replaces them and goes back to what was settled", () => {
    const { set, has } = newSet();
    set.install(generation("one"));
    set.settle();
    set.install(generation("two"));
    expect(has("two")).toBe(true);
    expect(set.restore()).toBe(true);
    expect(has("one")).toBe(true);
  });

  it("goes back past everything that was on trial, also in another process", () => {
    const { directory, set, has } = newSet();
    set.install(generation("one"));
    set.settle();
    set.install(generation("two"));
    const later = fileSet(directory, { links });
    later.recover();
    later.install(generation("three"));
    expect(later.restore()).toBe(true);
    expect(has("one")).toBe(true);
  });

  it("leaves what is there when there is nothing to go back to", () => {
    const { set, has } = newSet();
    set.install(generation("one"));
    expect(set.restore()).toBe(false);
    expect(has("one")).toBe(true);
  });

  it("brings back files that somebody else had put there", () => {
    const { directory, set, has } = newSet();
    for (const { name, content } of generation("by hand"))
      writeFileSync(join(directory, name), content, { mode: 0o640 });
    set.install(generation("one"));
    expect(has("one")).toBe(true);
    expect(set.restore()).toBe(true);
    expect(has("by hand")).toBe(true);
    expect(statSync(join(directory, "key.pem")).mode & 0o777).toBe(0o640);
  });

  it("leaves files alone that are not its own", () => {
    const { directory, set } = newSet();
    writeFileSync(join(directory, "config.yaml"), "theirs");
    set.install(generation("one"));
    set.settle();
    set.install(generation("two"));
    set.settle();
    expect(readFileSync(join(directory, "config.yaml"), "utf8")).toBe("theirs");
  });

  it("does not fill the disk with old generations", () => {
    const { directory, set } = newSet();
    for (let n = 0; n < 6; n++) {
      set.install(generation(String(n)));
      set.settle();
    }
    const { stdout } = spawnSync("find", [join(directory, ".vcc"), "-name", "*key.pem"], { encoding: "utf8" });
    expect(stdout.split("\n").filter((line) => line !== "").length).toBeLessThanOrEqual(2);
  });

  it("says that the directory is not there, and makes nothing", () => {
    const set = fileSet("/dev/null/there", { links });
    expect(() => set.install(generation("one"))).toThrow(expect.objectContaining({ code: "FILE_NOT_WRITTEN" }));
  });

  it("keeps the old set when a name cannot be replaced, and ends the replacement once it can", () => {
    const { directory, set, has } = newSet();
    set.install(generation("one"));
    set.settle();
    renameSync(join(directory, "key.pem"), join(directory, "aside"));
    mkdirSync(join(directory, "key.pem", "in-the-way"), { recursive: true });
    expect(() => set.install(generation("two"))).toThrow(expect.objectContaining({ code: "FILE_NOT_WRITTEN" }));
    rmSync(join(directory, "key.pem"), { recursive: true });
    renameSync(join(directory, "aside"), join(directory, "key.pem"));
    set.recover();
    set.install(generation("two"));
    expect(has("two")).toBe(true);
    expect(set.restore()).toBe(true);
    expect(has("one")).toBe(true);
  });
});

describe("a set by links", () => {
  it("changes with one rename: no reader ever sees parts of two", async () => {
    const directory = newDirectory();
    const set = fileSet(directory, { links: true });
    set.install(generation("0"));
    expect(lstatSync(join(directory, "cert.pem")).isSymbolicLink()).toBe(true);
    // A reader that opens the directory of the generation, as a careful one does, sees one generation.
    const script = `
      const { readFileSync, readlinkSync } = require("node:fs");
      const words = new Set();
      for (let n = 0; n < 3000; n++) {
        const at = process.argv[1] + "/.vcc/" + readlinkSync(process.argv[1] + "/.vcc/current");
        try {
          const [cert, key] = ["cert.pem", "key.pem"].map((name) => readFileSync(at + "/" + name, "utf8").split(" ")[1]);
          if (cert !== key) throw new Error("torn: " + cert + key);
          words.add(cert);
        } catch (error) { if (error.code !== "ENOENT") throw error; }
      }
      console.log(words.size);`;
    const { spawn } = await import("node:child_process");
    const reader = spawn(process.execPath, ["-e", script, directory], { stdio: ["ignore", "pipe", "inherit"] });
    let said = "";
    reader.stdout.on("data", (chunk) => {
      said += chunk;
    });
    const ended = new Promise((resolve) => reader.once("exit", resolve));
    for (let n = 1; reader.exitCode === null; n++) {
      set.install(generation(String(n)));
      set.settle();
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(await ended).toBe(0);
    expect(Number(said)).toBeGreaterThan(1);
  });
});

describe("a set by renames", () => {
  it("is completed after a crash between two renames", () => {
    const directory = newDirectory();
    const set = fileSet(directory, { links: false });
    set.install(generation("one"));
    set.settle();
    // As the disk is then: everything staged and marked, the first of three moved.
    const own = join(directory, ".vcc");
    mkdirSync(join(own, "next"), { recursive: true });
    writeFileSync(join(directory, "ca.pem"), "ca two\n");
    writeFileSync(join(own, "next", "01-cert.pem"), "certificate two\n");
    writeFileSync(join(own, "next", "02-key.pem"), "key two\n", { mode: 0o600 });
    writeFileSync(join(own, "swapping"), "");
    fileSet(directory, { links: false }).recover();
    expect(isInPlace(directory, generation("two"))).toBe(true);
    expect(existsSync(join(own, "swapping"))).toBe(false);
  });
});

/** A namespace of our own has file systems of our own; not every machine lets us have one. */
const hasNamespaces = spawnSync("unshare", ["-rm", "true"]).status === 0;
const inNamespace = (script: string): string =>
  execFileSync("unshare", ["-rm", "sh", "-ec", script], { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
const install = join(import.meta.dirname, "install-two-sets.ts");

describe.skipIf(!hasNamespaces).each(["links", "renames"])("a disk that takes nothing more, with %s", (way) => {
  it("names a full disk, and the old set is whole", () => {
    const directory = newDirectory();
    const said = inNamespace(
      `mount -t tmpfs -o size=64k none ${directory}; ${process.execPath} ${install} ${directory} ${way} fill`,
    );
    expect(JSON.parse(said)).toEqual({
      code: "FILE_NOT_WRITTEN",
      message: expect.stringContaining("the disk is full"),
      whole: true,
    });
  });

  it("names a read-only file system, and the old set is whole", () => {
    const directory = newDirectory();
    const said = inNamespace(
      `mount -t tmpfs -o size=64k none ${directory}; ${process.execPath} ${install} ${directory} ${way} read-only`,
    );
    expect(JSON.parse(said)).toEqual({
      code: "FILE_NOT_WRITTEN",
      message: expect.stringContaining("read-only"),
      whole: true,
    });
  });
});
