import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { openStore } from "@vcc-pki/store";
import { homeAt, repositoryRoot } from "@vcc-pki/suite-tool";
import { systemClock } from "@vcc-pki/time";
import { REPLICAS, type ReplicaName } from "./replica.ts";

export const MIGRATIONS = pathToFileURL(`${join(repositoryRoot, "services/tsa/migrations")}/`);

export interface Logs {
  /** Tokens in the log of each replica, answered or not. */
  readonly tokens: Readonly<Record<ReplicaName, number>>;
  /** Serial numbers that are in the logs more than once, in hex. */
  readonly twice: readonly string[];
}

/** Reads the logs of all replicas, none of which runs. */
export async function readLogs(home: string): Promise<Logs> {
  const seen = new Set<string>();
  const twice: string[] = [];
  const tokens: Record<ReplicaName, number> = { tsa: 0, "tsa-2": 0 };
  for (const { name } of REPLICAS) {
    const store = openStore({ ...homeAt(home).database(name), migrations: MIGRATIONS, clock: systemClock });
    try {
      for (const serialHex of store.db.prepare<[], string>("SELECT lower(hex(serial)) FROM tokens").pluck().iterate()) {
        if (seen.has(serialHex)) twice.push(serialHex);
        seen.add(serialHex);
        tokens[name]++;
      }
    } finally {
      await store.close();
    }
  }
  return { tokens, twice };
}
