import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, type IdentitySource, type Remote, type ServiceDefinition, suiteId } from "@vcc-pki/rpc";
import { writeIdentity } from "@vcc-pki/service";
import { createKeyFile } from "@vcc-pki/store";
import { silentLogger } from "@vcc-pki/telemetry";
import { createTestIdentities, type TestIdentities } from "@vcc-pki/testkit/identity";
import { createTestToken } from "@vcc-pki/testkit/token";

export interface GatewayProcess {
  readonly identities: TestIdentities;
  /** A client over mutual TLS, as this suite service or with this identity. */
  connect<D extends ServiceDefinition>(definition: D, as: string | IdentitySource): Remote<D>;
  start(): Promise<void>;
  /** SIGKILL: no chance to tidy up. */
  kill(): Promise<void>;
  close(): Promise<void>;
}

const MAIN = new URL("../src/main.ts", import.meta.url).pathname;

/** The service as it runs in production: its own process, mutual TLS, encrypted database, a software token that outlives it. */
export async function newGatewayProcess(): Promise<GatewayProcess> {
  const token = createTestToken();
  const identities = createTestIdentities();
  const directory = mkdtempSync(join(tmpdir(), "vcc-hsm-gateway-process-"));
  const path = (name: string): string => join(directory, name);
  const [port, healthPort] = [await freePort(), await freePort()];
  writeIdentity(path("identity"), identities.forUri(suiteId("hsm-gateway")).current());
  createKeyFile(path("db.key"));
  const config = {
    ...{ listen: { host: "127.0.0.1", port }, health: { host: "127.0.0.1", port: healthPort } },
    ...{ identityDir: path("identity"), store: { file: path("hsm.db"), keyFile: path("db.key") } },
    token: {
      ...{ module: token.modulePath, environment: { SOFTHSM2_CONF: token.confPath } },
      ...{ label: token.tokenLabel, pinFile: token.pinFile },
    },
    creators: { ca: ["root-ca", "issuing-ca"], audit: ["audit-checkpoint"] },
    telemetry: { logLevel: "error" },
  };
  writeFileSync(path("config.yaml"), JSON.stringify(config)); // JSON is YAML

  const clients: { close(): void }[] = [];
  let child: ReturnType<typeof spawn> | undefined;
  const kill = async () => {
    if (!child) return;
    const exit = once(child, "exit");
    child.kill("SIGKILL");
    await exit;
    child = undefined;
  };
  const start = async () => {
    child = spawn(process.execPath, [MAIN, "--config", path("config.yaml")], {
      stdio: ["ignore", "inherit", "inherit"],
    });
    for (;;) {
      if (child.exitCode !== null) throw new Error(`hsm-gateway ended with ${child.exitCode}`);
      const answer = await fetch(`http://127.0.0.1:${healthPort}/readyz`).catch(() => undefined);
      if (answer?.ok) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };
  await start();
  return {
    ...{ identities, start, kill },
    connect(definition, as) {
      const identity = typeof as === "string" ? identities.forUri(suiteId(as)) : as;
      const client = connect(definition, {
        ...{ address: `127.0.0.1:${port}`, identity, expect: suiteId("hsm-gateway"), log: silentLogger },
      });
      clients.push(client);
      return client;
    },
    async close() {
      for (const client of clients) client.close();
      await kill();
      token.destroy();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  if (typeof address !== "object" || !address) throw new Error("no port");
  return address.port;
}
