import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { createKeyFile } from "@vcc-pki/store";
import { homeAt, probeReadyz, repositoryRoot, type Suite, Supervisor } from "@vcc-pki/suite-tool";
import { systemClock } from "@vcc-pki/time";
import { parse } from "yaml";
import type { Victim } from "../killer.ts";

/** The suite's own tsa, and another beside it whose ports are all so far above; `replica` is what it calls itself. */
export const REPLICAS = [
  { name: "tsa", replica: "1", shift: 0 },
  { name: "tsa-2", replica: "2", shift: 10 },
] as const;

export type ReplicaName = (typeof REPLICAS)[number]["name"];

const [, { name: NAME, replica: REPLICA, shift: SHIFT }] = REPLICAS;
const HEALTH_PORT = 9404 + SHIFT;

export interface Replica extends Victim {
  stop(): Promise<void>;
}

/** Starts a second tsa for a suite, and starts it again when it dies: configured like the first, with a name, file, log and keys of its own.
 *  Rejects when it does not become ready. */
export async function startReplica(suite: Suite): Promise<Replica> {
  const home = homeAt(suite.home);
  const file = join(suite.home, "config", `${NAME}.yaml`);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, JSON.stringify(configOf(suite)));
  cpSync(home.identity("tsa"), home.identity(NAME), { recursive: true });
  createKeyFile(home.database(NAME).keyFile);
  const health = { host: "127.0.0.1", port: HEALTH_PORT + suite.portOffset };
  const probe = () => probeReadyz(health.host, health.port);
  const supervisor = new Supervisor({
    specs: [
      {
        ...{ name: NAME, after: [], ports: [], probe },
        command: [process.execPath, join(repositoryRoot, "services/tsa/src/main.ts"), "--config", file],
        environment: { PKI_HOME: suite.home, PKI_PORT_OFFSET: String(suite.portOffset) },
      },
    ],
    ...{ logPath: home.log, clock: systemClock, report: () => {} },
  });
  try {
    await supervisor.start();
  } catch (error) {
    await supervisor.stop();
    throw error;
  }
  return {
    name: NAME,
    pid() {
      const pid = supervisor.snapshots()[0]?.pid;
      if (pid === undefined) throw new Error(`${NAME} does not run`);
      return pid;
    },
    isReady: async () => (await probe()).ready,
    stop: () => supervisor.stop(),
  };
}

/** The suite's configuration of its tsa; ports are before PKI_PORT_OFFSET. */
function configOf({ home: directory }: Suite) {
  const home = homeAt(directory);
  const config = parse(readFileSync(home.configFile("tsa"), "utf8"));
  const beside = (endpoint: { host: string; port: number }) => ({ ...endpoint, port: endpoint.port + SHIFT });
  return {
    ...config,
    listen: beside(config.listen),
    health: { host: "127.0.0.1", port: HEALTH_PORT },
    http: beside(config.http),
    identityDir: home.identity(NAME),
    store: home.database(NAME),
    replica: REPLICA,
  };
}
