import { execFileSync, spawnSync } from "node:child_process";
import { appendFileSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { basename } from "node:path";
import { parseManifest } from "@vcc-pki/artefact";
import { describe, expect, it } from "vitest";
import { newCli } from "./cli.ts";

const cli = newCli({ admin: { chainPem: "", keyPem: "" }, trustPem: "", port: 8443 }, "vcc-sign");

let count = 0;
/** A directory of two files. */
function newTree(): string {
  const directory = cli.file(`tree${++count}`);
  mkdirSync(`${directory}/package`, { recursive: true });
  writeFileSync(`${directory}/package/__init__.py`, "print('hello')\n");
  writeFileSync(`${directory}/a file\nwith a line feed`, "x");
  return directory;
}

const manifest = (directory: string, ...args: string[]) =>
  cli.run("manifest", "--directory", directory, "--output", `${directory}/SHA256SUMS`, "--no-cache", ...args);
const sha256sum = (directory: string) =>
  spawnSync("sha256sum", ["-c", "--strict", "SHA256SUMS"], { cwd: directory, encoding: "utf8" }).status;

describe("vcc-sign manifest", () => {
  it("lists what sha256sum checks, and says what the artefact is", async () => {
    const directory = newTree();
    const metadata = cli.file("metadata.json", JSON.stringify({ riskClass: "limited", extra: { ticket: "VCC-7" } }));
    const said = ["--type", "python_package", "--artefact-version", "1.2.0", "--metadata", metadata];
    const { exit, out, err } = await manifest(directory, ...said, "--organisation", "bayern");
    expect([exit, err]).toEqual([0, expect.stringContaining("hashing")]);
    expect(out).toMatch(/^files +2 \(16 B\)$/m);
    const { facts, shape, resources } = parseManifest(readFileSync(`${directory}/SHA256SUMS`));
    expect([shape, resources.length]).toEqual(["directory", 2]);
    expect(facts).toEqual({
      ...{ type: "python_package", name: basename(directory), version: "1.2.0", organisation: "bayern" },
      metadata: { riskClass: "limited", extra: { ticket: "VCC-7" } },
    });
    expect(sha256sum(directory)).toBe(0);
    appendFileSync(`${directory}/package/__init__.py`, "#");
    expect(sha256sum(directory)).toBe(1);
  });

  it("is the same again, whatever lies beside it as a signature, and names what may run", async () => {
    const directory = newTree();
    writeFileSync(
      `${directory}/weights.pt`,
      execFileSync("python3", ["-c", "import pickle,sys;sys.stdout.buffer.write(pickle.dumps(1))"]),
    );
    const first = (await manifest(directory, "--json", "--type", "model_weights")).json();
    writeFileSync(`${directory}/SHA256SUMS.p7s`, "x");
    const again = (await manifest(directory, "--json", "--force", "--type", "model_weights")).json();
    expect(again).toEqual(first);
    expect(first).toMatchObject({
      files: 3,
      octets: 21,
      artefact_digest: expect.stringMatching(/^sha256:[0-9a-f]{64}$/),
    });
    expect(first.flagged).toEqual(
      expect.arrayContaining([
        { path: "weights.pt", flag: "pickle" },
        { path: "package/__init__.py", flag: "code" },
      ]),
    );
  });

  it.each<[string, number, string, (directory: string) => string[] | undefined]>([
    ["a symbolic link", 3, "FILE_NOT_REGULAR", (directory) => void symlinkSync("package", `${directory}/link`)],
    [
      "two names that are one elsewhere",
      3,
      "NAME_MALFORMED",
      (directory) => {
        writeFileSync(`${directory}/A`, "");
        writeFileSync(`${directory}/a`, "");
      },
    ],
    [
      "two forms of one name",
      3,
      "NAME_MALFORMED",
      (directory) => {
        writeFileSync(`${directory}/\u00e4`, "");
        writeFileSync(`${directory}/a\u0308`, "");
      },
    ],
    [
      "metadata that nobody knows",
      3,
      "ARTEFACT_MALFORMED",
      () => ["--metadata", cli.file("wrong.json", '{"risk":"low"}')],
    ],
    ["no organisation's name", 3, "ARTEFACT_MALFORMED", () => ["--organisation", "X"]],
    ["a directory that is not there", 2, "FILE_UNREADABLE", () => ["--directory", "/nowhere"]],
  ])("refuses %s", async (_, code, error, make) => {
    const directory = newTree();
    const { exit, err } = await manifest(directory, ...(make(directory) ?? []), "--json");
    expect([exit, JSON.parse(err).code]).toEqual([code, error]);
  });

  it("comes to its end on a terminal that does not say how wide it is", () => {
    const words = ["manifest", "--directory", newTree(), "--output", cli.file("on-a-terminal"), "--no-cache"];
    const program = new URL("../src/vcc-sign.ts", import.meta.url).pathname;
    const line = [process.execPath, program, ...words].map((word) => `'${word}'`).join(" ");
    const ran = spawnSync("script", ["-qec", line, "/dev/null"], {
      stdio: ["ignore", "pipe", "pipe"],
      timeout: 30_000,
    });
    expect([ran.status, String(ran.stdout)]).toEqual([0, expect.stringMatching(/^files +2/m)]);
  });

  it("replaces no file unless told to, and reads JSON alone for metadata", async () => {
    const directory = newTree();
    writeFileSync(`${directory}/SHA256SUMS`, "mine");
    expect((await manifest(directory)).exit).toBe(2);
    expect(readFileSync(`${directory}/SHA256SUMS`, "utf8")).toBe("mine");
    expect((await manifest(directory, "--force", "--metadata", cli.file("text", "{"))).exit).toBe(2);
    expect((await manifest(directory, "--force")).exit).toBe(0);
  });
});
