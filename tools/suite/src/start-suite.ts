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

/** Ports before PKI_PORT_OFFSET, as deploy/config has them. */
const GRPC_PORTS = {
  "hsm-gateway": 7401,
  ca: 7402,
  ocsp: 7403,
  tsa: 7404,
  signing: 7405,
  discovery: 7406,
  lifecycle: 7407,
} as const;
const HEALTH_PORTS = {
  "hsm-gateway": 9401,
  ca: 9402,
  ocsp: 9403,
  tsa: 9404,
  signing: 9405,
  discovery: 9406,
  lifecycle: 9407,
} as const;
const OCSP_HTTP_PORT = 8081;
const TSA_HTTP_PORT = 8082;
const SIGNING_HTTP_PORT = 8083;
/** A revocation list is as long as it is. */
const MAX_RECEIVE_BYTES = 64 * 1024 * 1024;
/** Ports that every suite listens on, to find a free offset by. */
const PROBED_PORTS = [
  ...[...Object.values(GRPC_PORTS), ...Object.values(HEALTH_PORTS)],
  ...[OCSP_HTTP_PORT, TSA_HTTP_PORT, SIGNING_HTTP_PORT],
];
/** All ports stay below those that Linux gives to outgoing connections, and no two suites' are the same. */
const OFFSETS = { first: 20_000, step: 100, count: 20 } as const;

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
  /** Where relying parties ask, on loopback. */
  readonly ocspHttpPort: number;
  readonly tsaHttpPort: number;
  /** Where a service tells its metrics and whether it is well. */
  healthPortOf(service: GrpcService): number;
  /** A client of `service` with the identity files of the suite service `as`. */
  connect<D extends ServiceDefinition>(definition: D, service: GrpcService, as: string): Remote<D>;
  /** Process id of a service. Throws while none runs. */
  pidOf(service: string): number;
  /** Stops every process, waiting for them. */
  stop(): Promise<void>;
}

/** Starts a suite on an empty home. Throws with what `./pki up` said when it does not come up. */
export async function startSuite(home: string): Promise<Suite> {
  let portOffset = await findFreeOffset();
  const suiteTool = async (...words: string[]) => {
    const env = { ...process.env, PKI_PORT_OFFSET: String(portOffset) };
    await run(process.execPath, [SUITE_TOOL, ...words, "--home", home], { env, maxBuffer: 16 * 1024 * 1024 });
  };
  let peers: SuitePeers | undefined;
  const stopOnSignal = () => void stop().finally(() => process.exit(130));
  async function stop(): Promise<void> {
    for (const signal of SIGNALS) process.off(signal, stopOnSignal);
    peers?.close();
    await suiteTool("down");
  }

  /** False: another suite has taken the ports since they were looked at, which `mayFail` says is no reason to give up. */
  async function comesUp(mayFail: boolean): Promise<boolean> {
    try {
      await suiteTool("up", "--detach", "--no-first-certificate");
      return true;
    } catch (error) {
      if (mayFail && String(error).includes(PORTS_TAKEN)) return false;
      throw error;
    }
  }

  for (const signal of SIGNALS) process.on(signal, stopOnSignal);
  try {
    for (let attempt = 1; !(await comesUp(attempt < ATTEMPTS)); attempt++) portOffset = await findFreeOffset();
  } catch (error) {
    await stop().catch(() => {});
    throw error;
  }
  const { run: files } = homeAt(home);
  peers = suitePeers(home, portOffset);
  return {
    ...{ home, portOffset, stop, connect: peers.connect, ocspHttpPort: OCSP_HTTP_PORT + portOffset },
    tsaHttpPort: TSA_HTTP_PORT + portOffset,
    healthPortOf: (service) => HEALTH_PORTS[service] + portOffset,
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
      const client = connect(definition, {
        ...{ address, identity, expect: suiteId(service), log: silentLogger },
        maxReceiveBytes: MAX_RECEIVE_BYTES,
      });
      clients.push(client);
      return client;
    },
    close() {
      for (const client of clients.splice(0)) client.close();
    },
  };
}

const ATTEMPTS = 4;
/** What `./pki up` says then. */
const PORTS_TAKEN = "in use by another program";
const SIGNALS = ["SIGINT", "SIGTERM"] as const;

/** An offset whose ports nobody uses, by some of them; `./pki up` checks them all. Begins somewhere else in each process, so that two
 *  that start suites at the same time are unlikely to choose the same. */
async function findFreeOffset(): Promise<number> {
  const { first, step, count } = OFFSETS;
  for (let i = 0; i < count; i++) {
    const offset = first + step * ((process.pid + i) % count);
    const free = await Promise.all(PROBED_PORTS.map((port) => isFree(HOST, port + offset)));
    if (!free.includes(false)) return offset;
  }
  throw new Error("no free ports");
}
