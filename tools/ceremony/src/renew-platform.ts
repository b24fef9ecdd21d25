import { existsSync, readdirSync } from "node:fs";
import { dirname } from "node:path";
import { PkiError } from "@vcc-pki/errors";
import { hasIdentity } from "@vcc-pki/service";
import { type Home, identityNames, lockHome } from "@vcc-pki/suite-tool";
import type { Logger } from "@vcc-pki/telemetry";
import type { Clock } from "@vcc-pki/time";
import { readConfigurations, startInProcess } from "./in-process.ts";
import { issuePlatformIdentity } from "./platform-identity.ts";
import { createMissingDatabaseKeys } from "./steps/database-keys.ts";
import { Transcript, type TranscriptEntry } from "./transcript.ts";

export interface RenewPlatformOptions {
  readonly home: Home;
  readonly clock: Clock;
  readonly log: Logger;
}

/** The way back when the suite's own certificates have all expired, so that no service can ask the ca for a new one over mutual TLS:
 *  asks the ca in this process, for every service of the suite and whoever else has an identity. A service that was not there yet at the
 *  ceremony gets its first one, and the key of its database. Answers the entry of the transcript. Throws ALREADY_EXISTS
 *  while the suite runs, NOT_FOUND when there was no ceremony. */
export async function renewPlatform({ home, clock, log }: RenewPlatformOptions): Promise<TranscriptEntry> {
  if (!existsSync(home.ceremony.transcript)) {
    throw new PkiError("NOT_FOUND", `${home.directory} has had no ceremony: there is nothing to renew`);
  }
  const lock = lockHome(home);
  try {
    const transcript = new Transcript(home.ceremony.transcript, clock);
    const configurations = readConfigurations(home);
    const suite = await startInProcess(configurations, { home, clock, log });
    try {
      const identities = [];
      for (const service of new Set([...identityNames, ...servicesWithIdentity(home)])) {
        const { serialHex, notAfter } = await issuePlatformIdentity(service, { home, suite, configurations });
        identities.push({ service, serial: serialHex, notAfter: notAfter.toISOString() });
      }
      const databaseKeys = createMissingDatabaseKeys(home);
      return transcript.add("platform renewed", { identities, ...(databaseKeys.length > 0 ? { databaseKeys } : {}) });
    } finally {
      await suite.close();
    }
  } finally {
    lock.release();
  }
}

function servicesWithIdentity(home: Home): string[] {
  const parent = dirname(home.identity("any"));
  const names = existsSync(parent) ? readdirSync(parent).sort() : [];
  return names.filter((name) => hasIdentity(home.identity(name)));
}
