import { X509Certificate } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Clock } from "@vcc-pki/time";
import { execa } from "execa";
import { type Home, repositoryRoot } from "./home.ts";
import { identityNames } from "./suite.ts";

const DEVELOPMENT_SCRIPT = "deploy/ceremony/development.yaml";

/** Whether the home's ceremony ran to its end. Reads no more than that: `./pki ceremony transcript --verify` checks all of it. */
export function hasCeremony({ ceremony }: Home): boolean {
  if (!existsSync(ceremony.transcript)) return false;
  const lines = readFileSync(ceremony.transcript, "utf8").split("\n");
  return lines.some((line) => line.includes('"event":"ceremony finished"'));
}

/** Runs the development ceremony on a home that has none, as a process of its own, shown to the person at the terminal.
 *  Throws when it fails. */
export const runDevelopmentCeremony = (home: Home, signal: AbortSignal): Promise<void> =>
  ceremony(["run", join(repositoryRoot, DEVELOPMENT_SCRIPT), "--brief", "--home", home.directory], signal);

/** Gives the services new certificates without asking over the network, and a service that is new in this home what it starts with.
 *  Throws when it fails. */
export const renewPlatform = (home: Home, signal: AbortSignal): Promise<void> =>
  ceremony(["renew-platform", "--home", home.directory], signal);

async function ceremony(words: readonly string[], cancelSignal: AbortSignal): Promise<void> {
  const { exitCode } = await execa(process.execPath, [join(repositoryRoot, "tools/ceremony/src/main.ts"), ...words], {
    stdio: ["ignore", process.stderr, process.stderr],
    cancelSignal,
    reject: false,
  });
  cancelSignal.throwIfAborted();
  if (exitCode !== 0) throw new Error("the ceremony did not come to its end; it has said why");
}

/** Time a service needs to start and renew its certificate by itself. */
const MARGIN_MS = 5 * 60_000;

/** Services that the home knows nothing of yet: it was made before there were any. */
export const servicesWithoutIdentity = (home: Home): string[] =>
  identityNames.filter((name) => !existsSync(join(home.identity(name), "chain.pem")));

/** When the first of the suite's own certificates expired or will in a moment; undefined when all will do. A suite that was down for longer
 *  than they live cannot renew them itself. */
export function platformExpiredAt(home: Home, clock: Clock): Date | undefined {
  const parent = dirname(home.identity("any"));
  const chains = existsSync(parent) ? readdirSync(parent).map((name) => join(parent, name, "chain.pem")) : [];
  const expiries = chains
    .filter((file) => existsSync(file))
    .map((file) => new X509Certificate(readFileSync(file)).validToDate);
  const [first] = expiries.sort((a, b) => a.getTime() - b.getTime());
  return first !== undefined && first.getTime() < clock.now().getTime() + MARGIN_MS ? first : undefined;
}
