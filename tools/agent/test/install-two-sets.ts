import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { toPkiError } from "@vcc-pki/errors";
import { fileSet, isInPlace } from "../src/files/file-set.ts";

/** Run on a small file system by files.test.ts: installs a set, fills the disk or makes it read-only, tries the next, and says what came of it. */
const [, , directory = "", way, trouble] = process.argv;
const set = fileSet(directory, { links: way === "links" });
const old = [
  { name: "cert.pem", content: "old certificate\n", mode: 0o644 },
  { name: "key.pem", content: "old key\n", mode: 0o600 },
];
set.install(old);
set.settle();
if (trouble === "read-only") execFileSync("mount", ["-o", "remount,ro", directory]);
else fill();
try {
  set.install(old.map((file) => ({ ...file, content: "new".padEnd(20_000, ".") })));
} catch (error) {
  const { code, message } = toPkiError(error);
  process.stdout.write(JSON.stringify({ code, message, whole: isInPlace(directory, old) }));
}

function fill(): void {
  try {
    writeFileSync(join(directory, "filler"), Buffer.alloc(64 * 1024));
  } catch {
    // It is full, then.
  }
}
