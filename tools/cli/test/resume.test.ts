import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseManifest } from "@vcc-pki/artefact";
import { thisHost } from "@vcc-pki/client";
import { describe, expect, it } from "vitest";
import { newCli } from "./cli.ts";

const PROGRAM = join(import.meta.dirname, "killed-program.ts");
const FILES = 10;
const DONE = 4;
const OCTETS = 4 * 1024 * 1024;

const cli = newCli({ admin: { chainPem: "", keyPem: "" }, trustPem: "", port: 8443 }, "vcc-sign");
const keepsTimes = thisHost()?.keepsTimes(cli.home) ?? false;

function run(killedAfter: number, ...words: string[]) {
  const env = { ...process.env, PKI_HOME: cli.home, XDG_CACHE_HOME: cli.file("cache") };
  return spawnSync(process.execPath, [PROGRAM, String(killedAfter), ...words], { env, encoding: "utf8" });
}

/** How many ranges were hashed, in all runs. */
function hashed(): number {
  const directory = cli.file("cache/vcc-pki/digests");
  const journals = readdirSync(directory).map((name) => readFileSync(join(directory, name), "utf8"));
  return journals.join("").split("\n").length - 1;
}

// Not on tmpfs or a network's file system, where nothing is remembered.
describe.skipIf(!keepsTimes)("vcc-sign manifest", () => {
  it("goes on where it was killed, says so, and comes to the same list", () => {
    const model = cli.file("model");
    mkdirSync(model);
    for (let i = 0; i < FILES; i++) writeFileSync(join(model, `weights-${i}.safetensors`), Buffer.alloc(OCTETS, i));
    const words = ["manifest", "--directory", model, "--output", cli.file("SHA256SUMS"), "--type", "model_weights"];
    expect(run(DONE, ...words).signal).toBe("SIGKILL");
    expect(hashed()).toBe(DONE);

    const { status, stderr } = run(0, ...words);
    expect([status, hashed()]).toEqual([0, FILES]);
    expect(stderr).toContain("17 MB of 42 MB were hashed before and have not changed");
    const { resources } = parseManifest(readFileSync(cli.file("SHA256SUMS")));
    expect(resources.map(({ sha256Hex }) => sha256Hex)).toEqual(
      Array.from({ length: FILES }, (_, i) => createHash("sha256").update(Buffer.alloc(OCTETS, i)).digest("hex")),
    );
    expect(run(0, ...words, "--force", "--no-cache").stderr).not.toContain("hashed before");
  });
});
