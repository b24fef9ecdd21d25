import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** What tests leave in the temporary directory goes when the run ends: vitest calls this before the first of them. */
export function setup(): () => void {
  const directory = mkdtempSync(join(tmpdir(), "vcc-test-"));
  process.env.TMPDIR = directory;
  return () => rmSync(directory, { recursive: true, force: true });
}
