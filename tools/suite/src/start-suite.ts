import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { connect, type Remote, type ServiceDefinition, suiteId } from "@vcc-pki/rpc";
import { fileIdentity } from "@vcc-pki/service";
import { silentLogger } from "@vcc-pki/telemetry";
import { homeAt, repositoryRoot } from "./home.ts";
import { isFree } from "./ports.ts";

const run = promisify(execFile);
const SUITE_TOOL = join(repositoryRoot, "tools/suite/src/main.ts");
const HOST = "127.0.0.1";

/** gRPC ports before PKI_PORT_OFFSET, as deploy/config has them. */
const GRPC_PORTS = { "hsm-gateway": 7401, ca: 7402, ocsp: 7403 } as const;
/** One port that every suite listens on, to find a free offset by. */
const PROBED_PORT = GRPC_PORTS.ca;

export type GrpcService = keyof typeof GRPC_PORTS;

/** Clients of a suite's services, with the identity files of one of them. */
export interface SuitePeers {
  connect<D extends ServiceDefinition>(definition: D, service: GrpcService, as: string): Remote<D>;
  close(): void;
}

/** A whole suite as `./pki up` starts it: NATS and every service as processes of their own, over mutual TLS, with the development
 *  ceremony's keys in a software token. */
export interface Suite {
  readonly home: string;
  readonly portOffset: number;
  /** A client of `service` with the identity files of the suite service `as`. */
  connect<D extends ServiceDefinition>(definition: D, service: GrpcService, as: string): Remote<D>;
  /** Process id of a service. Throws while none runs. */
  pidOf(service: string): number;
  /** Stops every process, waiting for them. */
  stop(): Promise<void>;
}

/** Starts a suite on an empty home. Throws with what `./pki up` said when it does not come up. */
export async function startSuite(home: string): Promise<Suite> {
  const portOffset = await findFreeOffset();
  const suiteTool = async (...words: string[]) => {
    const env = { ...process.env, PKI_PORT_OFFSET: String(portOffset) };
    await run(process.execPath, [SUITE_TOOL, ...words, "--home", home], { env, maxBuffer: 16 * 1024 * 1024 });
  };
  const peers = suitePeers(home, portOffset);
  const stopOnSignal = () => void stop().finally(() => process.exit(130));
  async function stop(): Promise<void> {
    for (const signal of SIGNALS) process.off(signal, stopOnSignal);
    peers.close();
    await suiteTool("down");
  }

  for (const signal of SIGNALS) process.on(signal, stopOnSignal);
  try {
    await suiteTool("up", "--detach", "--no-first-certificate");
  } catch (error) {
    await stop().catch(() => {});
    throw error;
  }
  const { run: files } = homeAt(home);
  return {
    ...{ home, portOffset, stop, connect: peers.connect },
    pidOf: (service) => Number(readFileSync(files.pid(service), "utf8")),
  };
}

/** Clients of a suite that runs already, also from another process than the one that started it. */
export function suitePeers(home: string, portOffset: number): SuitePeers {
  const clients: { close(): void }[] = [];
  const { identity: directoryOf } = homeAt(home);
  return {
    connect(definition, service, as) {
      const identity = fileIdentity(directoryOf(as), silentLogger);
      const address = `${HOST}:${GRPC_PORTS[service] + portOffset}`;
      const client = connect(definition, { address, identity, expect: suiteId(service), log: silentLogger });
      clients.push(client);
      return client;
    },
    close() {
      for (const client of clients.splice(0)) client.close();
    },
  };
}

const SIGNALS = ["SIGINT", "SIGTERM"] as const;

/** An offset whose ports nobody uses, by one of them; `./pki up` checks them all. */
async function findFreeOffset(): Promise<number> {
  for (let offset = 20_000; offset < 50_000; offset += 1_000) {
    if (await isFree(HOST, PROBED_PORT + offset)) return offset;
  }
  throw new Error("no free ports");
}
