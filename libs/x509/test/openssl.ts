import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Runs the machine's OpenSSL over `files`, which it finds by their names in its directory. Returns what it printed on both
 *  channels; throws when it exits with anything but 0. */
export function openssl(args: readonly string[], files: Readonly<Record<string, Uint8Array | string>> = {}): string {
  const directory = mkdtempSync(join(tmpdir(), "x509-"));
  try {
    for (const [name, content] of Object.entries(files)) writeFileSync(join(directory, name), content);
    return execFileSync("sh", ["-c", 'openssl "$@" 2>&1', "sh", ...args], { cwd: directory, encoding: "utf8" });
  } finally {
    rmSync(directory, { recursive: true });
  }
}
