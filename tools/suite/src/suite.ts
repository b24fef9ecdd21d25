import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { loadConfig } from "@vcc-pki/service";
import { z } from "zod";
import { ensurePrivateDirectory, type Home, repositoryRoot } from "./home.ts";
import { natsConfig } from "./nats-config.ts";
import { natsSpec } from "./nats-process.ts";
import { probeReadyz } from "./probe.ts";
import type { Port, ProcessSpec } from "./process.ts";
import { writeSoftHsmConf } from "./softhsm.ts";

/** Where the NATS server listens. The services' configuration names the same port, and `PKI_PORT_OFFSET` shifts both. */
const NATS = { host: "127.0.0.1", port: 7422 };

/** The services in this repository, each with what must be ready before it. */
const SERVICES: Readonly<Record<string, readonly string[]>> = {
  "hsm-gateway": [],
  ca: ["hsm-gateway", "nats"],
  ocsp: ["ca", "nats"],
  tsa: ["ca", "nats"],
  signing: ["ca", "nats"],
  discovery: ["ca", "nats"],
  lifecycle: ["ca", "nats"],
  gateway: ["ca", "ocsp", "nats"],
};

export const serviceNames: readonly string[] = Object.keys(SERVICES);

/** Whoever has a certificate of the suite for mutual TLS. */
export const identityNames: readonly string[] = [...serviceNames, "nats"];

export interface SuiteOptions {
  readonly home: Home;
  readonly portOffset: number;
}

/** Everything that `./pki up` runs, in no particular order. Throws CONFIG_INVALID when a configuration cannot be read. */
export function suiteSpecs(options: SuiteOptions): ProcessSpec[] {
  const services = Object.entries(SERVICES).map(([name, after]) => serviceSpec(name, after, options));
  return [natsSpec({ conf: options.home.nats.conf, ...natsEndpoint(options) }), ...services];
}

const natsEndpoint = ({ portOffset }: SuiteOptions) => ({ host: NATS.host, port: NATS.port + portOffset });

/** What the configuration of a service says about its ports; the rest is the service's own affair. */
const Endpoints = z
  .looseObject({ health: z.object({ host: z.string(), port: z.number() }) })
  .transform((config) => ({ health: config.health, ports: Object.entries(config).flatMap(toPort) }));

const Endpoint = z.looseObject({ host: z.string(), port: z.number() });

function toPort([name, value]: [string, unknown]): Port[] {
  const endpoint = Endpoint.safeParse(value);
  return endpoint.success ? [{ name: PORT_NAMES[name] ?? name, ...endpoint.data }] : [];
}

const PORT_NAMES: Readonly<Record<string, string>> = { listen: "gRPC", health: "metrics, health", http: "HTTP" };

function serviceSpec(name: string, after: readonly string[], { home, portOffset }: SuiteOptions): ProcessSpec {
  const configFile = home.configFile(name);
  const environment = {
    ...{ PKI_HOME: home.directory, PKI_PORT_OFFSET: String(portOffset) },
    // A suite of one machine looks at that machine's services, unless it is told where else.
    PKI_PROBE_NETWORK: process.env.PKI_PROBE_NETWORK ?? "127.0.0.0/8",
  };
  const { health, ports } = loadConfig(configFile, Endpoints, { ...process.env, ...environment });
  return {
    name,
    after,
    command: [process.execPath, join(repositoryRoot, "services", name, "src/main.ts"), "--config", configFile],
    environment,
    ports: ports.map(({ name, host, port }) => ({ name, host, port })),
    probe: () => probeReadyz(health.host, health.port),
  };
}

/** Writes what the suite's processes read and what follows from where the home lies, so that a home may be moved. */
export function writeDerivedFiles(options: SuiteOptions): void {
  const { home } = options;
  ensurePrivateDirectory(home.nats.directory);
  const config = natsConfig({
    ...natsEndpoint(options),
    storeDirectory: home.nats.directory,
    identityDirectory: home.identity("nats"),
  });
  writeFileSync(home.nats.conf, config, { mode: 0o600 });
  writeSoftHsmConf(home);
}
