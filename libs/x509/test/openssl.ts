import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export type Files = Readonly<Record<string, Uint8Array | string>>;

/** Runs the machine's OpenSSL over `files`, which it finds by their names in its directory. Returns what it printed on both
 *  channels; throws when it exits with anything but 0. */
export const openssl = (args: readonly string[], files: Files = {}): string =>
  run(args, files, (_, printed) => printed);

/** The same for the file that it writes, by its name. */
export const opensslOutput = (args: readonly string[], files: Files, name: string): Uint8Array =>
  run(args, files, (directory) => new Uint8Array(readFileSync(join(directory, name))));

function run<T>(args: readonly string[], files: Files, result: (directory: string, printed: string) => T): T {
  const directory = mkdtempSync(join(tmpdir(), "x509-"));
  try {
    for (const [name, content] of Object.entries(files)) writeFileSync(join(directory, name), content);
    const options = { cwd: directory, encoding: "utf8" } as const;
    return result(directory, execFileSync("sh", ["-c", 'openssl "$@" 2>&1', "sh", ...args], options));
  } finally {
    rmSync(directory, { recursive: true });
  }
}
