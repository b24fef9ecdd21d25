import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { connect, type Remote, type ServiceDefinition, suiteId } from "@vcc-pki/rpc";
import { fileIdentity } from "@vcc-pki/service";
import { silentLogger } from "@vcc-pki/telemetry";
import { isFreePort } from "./free-port.ts";

const run = promisify(execFile);
const repositoryRoot = resolve(import.meta.dirname, "../../..");
const SUITE_TOOL = join(repositoryRoot, "tools/suite/src/main.ts");

/** Ports before PKI_PORT_OFFSET, as deploy/config has them. */
const GRPC_PORTS = { "hsm-gateway": 7401, ca: 7402, ocsp: 7403 } as const;
const HEALTH_PORTS = { "hsm-gateway": 9401, ca: 9402, ocsp: 9403 } as const;
const OCSP_HTTP_PORT = 8081;
/** A revocation list is as long as it is. */
const MAX_RECEIVE_BYTES = 64 * 1024 * 1024;
/** Ports that every suite listens on, to find a free offset by. */
const PROBED_PORTS = [...Object.values(GRPC_PORTS), ...Object.values(HEALTH_PORTS), OCSP_HTTP_PORT];
/** All ports stay below those that Linux gives to outgoing connections, and no two suites' are the same. */
const OFFSETS = { first: 20_000, step: 100, count: 20 } as const;

export type GrpcService = keyof typeof GRPC_PORTS;

/** A whole suite as `./pki up` starts it: NATS and every service as processes of their own, over mutual TLS, with the development
 *  ceremony's keys in a software token. */
export interface Suite {
  readonly home: string;
  /** Where relying parties ask, on loopback. */
  readonly ocspHttpPort: number;
  /** Where a service tells its metrics and whether it is well. */
  healthPortOf(service: GrpcService): number;
  /** A client of `service` with the identity files of the suite service `as`. */
  connect<D extends ServiceDefinition>(definition: D, service: GrpcService, as: string): Remote<D>;
  /** Process id of a service. */
  pidOf(service: string): number;
  /** Stops every process, waiting for them. */
  stop(): Promise<void>;
}

/** Starts a suite on an empty home. Throws with what `./pki up` said when it does not come up. */
export async function startSuite(home: string): Promise<Suite> {
  let offset = await findFreeOffset();
  const suiteTool = async (...words: string[]) => {
    const env = { ...process.env, PKI_PORT_OFFSET: String(offset) };
    await run(process.execPath, [SUITE_TOOL, ...words, "--home", home], { env, maxBuffer: 16 * 1024 * 1024 });
  };
  const stopOnSignal = () => void stop().finally(() => process.exit(130));
  const clients: { close(): void }[] = [];
  async function stop(): Promise<void> {
    for (const signal of SIGNALS) process.off(signal, stopOnSignal);
    for (const client of clients) client.close();
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
    for (let attempt = 1; !(await comesUp(attempt < ATTEMPTS)); attempt++) offset = await findFreeOffset();
  } catch (error) {
    await stop().catch(() => {});
    throw error;
  }
  return {
    home,
    ocspHttpPort: OCSP_HTTP_PORT + offset,
    healthPortOf: (service) => HEALTH_PORTS[service] + offset,
    connect(definition, service, as) {
      const identity = fileIdentity(join(home, "identity", as), silentLogger);
      const address = `127.0.0.1:${GRPC_PORTS[service] + offset}`;
      const client = connect(definition, {
        ...{ address, identity, expect: suiteId(service), log: silentLogger },
        maxReceiveBytes: MAX_RECEIVE_BYTES,
      });
      clients.push(client);
      return client;
    },
    pidOf: (service) => Number(readFileSync(join(home, "run", `${service}.pid`), "utf8")),
    stop,
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
    const free = await Promise.all(PROBED_PORTS.map((port) => isFreePort(port + offset)));
    if (!free.includes(false)) return offset;
  }
  throw new Error("no free ports");
}
