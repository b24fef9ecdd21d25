import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Home, homeAt, repositoryRoot } from "@vcc-pki/suite-tool";
import { silentLogger } from "@vcc-pki/telemetry";
import { type Clock, systemClock } from "@vcc-pki/time";
import { type CeremonyOptions, readScript, runCeremony, type TranscriptEntry } from "../src/index.ts";
import { newDirectory } from "./directory.ts";

export { newDirectory };
export const newHome = (): Home => homeAt(newDirectory());

export const DEVELOPMENT = join(repositoryRoot, "deploy/ceremony/development.yaml");
export const PRODUCTION = join(repositoryRoot, "deploy/ceremony/production.yaml");

export interface RunOptions {
  readonly home: Home;
  readonly script?: string;
  readonly clock?: Clock;
  readonly say?: CeremonyOptions["say"];
  readonly signal?: AbortSignal;
}

/** Runs a script with the real services, a real SoftHSM token and nobody watching. */
export const run = ({
  home,
  script = DEVELOPMENT,
  clock = systemClock,
  ...rest
}: RunOptions): Promise<TranscriptEntry> =>
  runCeremony({
    ...{ script: readScript(script), home, clock, log: silentLogger },
    ...{ say: rest.say ?? (() => undefined), signal: rest.signal ?? new AbortController().signal },
  });

/** A script that does the same as another and says so differently. */
export function copyScript(from: string, directory: string): string {
  const file = join(directory, "script.yaml");
  writeFileSync(file, `# another hash\n${readFileSync(from, "utf8")}`);
  return file;
}

/** What openssl answers; throws when it says no. */
export const openssl = (...words: string[]): string =>
  execFileSync("openssl", words, { encoding: "utf8", stdio: "pipe" });
