import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { openSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { connect, type Remote, type ServiceDefinition, suiteId } from "@vcc-pki/rpc";
import { writeIdentity } from "@vcc-pki/service";
import { silentLogger } from "@vcc-pki/telemetry";
import { createTestIdentities } from "@vcc-pki/testkit/identity";
import { createTestToken } from "@vcc-pki/testkit/token";
import { findFreePort } from "./free-port.ts";

const MAIN = resolve(import.meta.dirname, "../../../services/hsm-gateway/src/main.ts");
const START_TIMEOUT_MS = 20_000;
/** The kernel ends the process when this one ends, however that ends. */
const TIED_TO_US = ["--pdeathsig", "KILL", "--"];

/** An hsm-gateway as a process of its own, on a fresh software token, with nobody else around. */
export interface GatewayProcess {
  readonly pid: number;
  /** A client over mutual TLS with the SPIFFE id of the suite service `as`. */
  connect<D extends ServiceDefinition>(definition: D, as: string): Remote<D>;
  stop(): Promise<void>;
}

/** Starts it below `directory`. `creators` is the configuration's: which service may make keys for which purposes. Throws with the
 *  process's own words when it does not become ready. */
export async function startGatewayProcess(
  directory: string,
  creators: Readonly<Record<string, readonly string[]>>,
): Promise<GatewayProcess> {
  const token = createTestToken("bench");
  const identities = createTestIdentities();
  const [port, healthPort] = [await findFreePort(), await findFreePort()];
  const path = (name: string) => join(directory, name);
  writeIdentity(path("identity"), identities.forUri(suiteId("hsm-gateway")).current());
  writeFileSync(path("db.key"), `${randomBytes(32).toString("hex")}\n`, { mode: 0o600 });
  // JSON is YAML.
  const config = {
    listen: { host: "127.0.0.1", port },
    health: { host: "127.0.0.1", port: healthPort },
    identityDir: path("identity"),
    store: { file: path("hsm-gateway.db"), keyFile: path("db.key") },
    token: {
      module: token.modulePath,
      environment: { SOFTHSM2_CONF: token.confPath },
      label: token.tokenLabel,
      pinFile: token.pinFile,
    },
    creators,
    telemetry: { logLevel: "warn" },
  };
  writeFileSync(path("hsm-gateway.yaml"), JSON.stringify(config));

  const log = openSync(path("hsm-gateway.log"), "a");
  const child = spawn("setpriv", [...TIED_TO_US, process.execPath, MAIN, "--config", path("hsm-gateway.yaml")], {
    stdio: ["ignore", log, log],
  });
  const clients: { close(): void }[] = [];
  async function stop(): Promise<void> {
    for (const client of clients) client.close();
    if (child.exitCode === null && child.signalCode === null) {
      child.kill("SIGTERM");
      await once(child, "exit");
    }
    token.destroy();
  }

  try {
    await becomesReady(child, healthPort);
  } catch (error) {
    await stop();
    throw new Error(`hsm-gateway did not start:\n${readFileSync(path("hsm-gateway.log"), "utf8")}`, { cause: error });
  }
  return {
    pid: child.pid ?? 0,
    connect(definition, as) {
      const client = connect(definition, {
        address: `127.0.0.1:${port}`,
        identity: identities.forUri(suiteId(as)),
        expect: suiteId("hsm-gateway"),
        log: silentLogger,
      });
      clients.push(client);
      return client;
    },
    stop,
  };
}

async function becomesReady(child: ChildProcess, healthPort: number): Promise<void> {
  const deadline = AbortSignal.timeout(START_TIMEOUT_MS);
  for (;;) {
    if (child.exitCode !== null) throw new Error(`ended with exit code ${child.exitCode}`);
    const answer = await fetch(`http://127.0.0.1:${healthPort}/readyz`, { signal: deadline }).catch((error) => {
      if (deadline.aborted) throw error;
    });
    if (answer?.ok) return;
    await sleep(50, undefined, { signal: deadline });
  }
}
