import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { type Home, repositoryRoot } from "./home.ts";

const DEVELOPMENT_SCRIPT = "deploy/ceremony/development.yaml";

/** Whether the home's ceremony ran to its end. Reads the last line of the transcript; `./pki ceremony transcript --verify` reads all. */
export function hasCeremony({ ceremony }: Home): boolean {
  if (!existsSync(ceremony.transcript)) return false;
  const last = readFileSync(ceremony.transcript, "utf8").trimEnd().split("\n").at(-1) ?? "";
  try {
    return (JSON.parse(last) as { event?: string }).event === "ceremony finished";
  } catch {
    return false;
  }
}

/** Runs the development ceremony on a home that has none, as a process of its own, shown to the person at the terminal.
 *  Throws when it fails. */
export async function runDevelopmentCeremony(home: Home, signal: AbortSignal): Promise<void> {
  const script = join(repositoryRoot, DEVELOPMENT_SCRIPT);
  const program = join(repositoryRoot, "tools/ceremony/src/main.ts");
  await execa(process.execPath, [program, "run", script, "--home", home.directory], {
    stdio: ["ignore", process.stderr, process.stderr],
    cancelSignal: signal,
  });
}
