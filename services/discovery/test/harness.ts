import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type CaHarness, newCa } from "@vcc-pki/ca/harness";
import { startRelay } from "@vcc-pki/events";
import type { GrantServiceRequest } from "@vcc-pki/proto/ca";
import {
  AgentServiceDefinition,
  EnrolmentServiceDefinition,
  InventoryServiceDefinition,
  PolicyServiceDefinition,
  RegistryServiceDefinition,
} from "@vcc-pki/proto/discovery";
import { AuthorizationDefinition } from "@vcc-pki/proto/envoy-ext-authz";
import { connectInProcess, createDenyList, type ServiceDefinition, suiteId } from "@vcc-pki/rpc";
import { createKeyFile, type Store, type StoreFaults } from "@vcc-pki/store";
import { silentLogger, startTelemetry } from "@vcc-pki/telemetry";
import { inMemoryBus } from "@vcc-pki/testkit/bus";
import type { FakeClock } from "@vcc-pki/testkit/clock";
import { forwarding } from "@vcc-pki/testkit/forwarding";
import { interruptible } from "@vcc-pki/testkit/interruptible";
import type { GeneralNamesInput } from "@vcc-pki/x509";
import { DiscoveryConfig } from "../src/config.ts";
import { type RunningDiscovery, startDiscovery } from "../src/service.ts";

/** An administrator of brandenburg, at home. */
export const ADMIN = "spiffe://vcc.internal/org/brandenburg/admin/anna";
/** A member of brandenburg. */
export const OPERATOR = "spiffe://vcc.internal/org/vcc/admin/operator";
export const STRANGER = "spiffe://vcc.internal/org/berlin/admin/bert";
export const CLARA = "spiffe://vcc.internal/org/brandenburg/service/clara";

export interface DiscoveryHarnessOptions {
  readonly clock?: FakeClock;
  /** Keys of the configuration that matter to the test. */
  readonly config?: Partial<Record<keyof DiscoveryConfig, unknown>>;
}

const policyFile = (name: string) => new URL(`../../../deploy/policies/${name}.yaml`, import.meta.url).pathname;

type Peer = "ca";

/** The real discovery service over a real ca and hsm-gateway (with a SoftHSM token), all in this process. */
export interface DiscoveryHarness {
  readonly clock: FakeClock;
  readonly ca: CaHarness;
  readonly discovery: RunningDiscovery;
  readonly store: Store;
  /** Makes commits of the service fail. */
  readonly storeFaults: StoreFaults;
  /** Peers that do not answer. */
  readonly away: Set<Peer>;
  /** Its services as this requester reaches them through the gateway ("": nobody, at a route that is open), or as another caller does. */
  as(requester?: string, caller?: string): ReturnType<typeof remotes>;
  /** What an administrator lets the ca know before a token or an approval. */
  grant(service: string, fields?: Partial<GrantServiceRequest>): Promise<unknown>;
  /** A key and a request for the identity of a service of brandenburg. */
  csrOf(service: string, names?: GeneralNamesInput): Uint8Array;
  /** Stops the service, and starts it on the same database. */
  restart(): Promise<void>;
  close(): Promise<void>;
}

export async function newDiscovery(options: DiscoveryHarnessOptions = {}): Promise<DiscoveryHarness> {
  const directory = mkdtempSync(join(tmpdir(), "vcc-discovery-"));
  const ca = await newCa({
    ...(options.clock && { clock: options.clock }),
    authorities: ["vcc-services-ca", "vcc-platform-ca", "vcc-admin-ca"],
  });
  const { clock } = ca;
  const telemetry = startTelemetry({ service: "discovery" });
  const storeFaults: StoreFaults = {};
  const away: DiscoveryHarness["away"] = new Set();
  const bus = inMemoryBus();
  const caRelay = startRelay({ store: ca.store, bus, source: suiteId("ca"), log: silentLogger, clock });
  const connect = <D extends ServiceDefinition>(definition: D, peer: string) =>
    interruptible(
      () => connectInProcess(ca.ca.services, definition, { caller: "discovery", clock }),
      definition,
      () => away.has(peer as Peer),
    );
  createKeyFile(join(directory, "db.key"));
  const config = DiscoveryConfig.parse({
    ...{ listen: { host: "127.0.0.1", port: 0 }, health: { host: "127.0.0.1", port: 0 }, identityDir: "none" },
    store: { file: join(directory, "discovery.db"), keyFile: join(directory, "db.key") },
    organisation: "vcc",
    ...{ catalogueFile: policyFile("services"), matrixFile: policyFile("service-matrix") },
    ...options.config,
  });
  const context = {
    ...{ clock, log: silentLogger, telemetry, trustDomain: "vcc.internal", denyList: createDenyList() },
    ...{ bus, identity: undefined, connect },
  };
  const start = async () => {
    const started = await startDiscovery(config, context, { faults: storeFaults });
    await started.runChores();
    return started;
  };
  let running = await start();
  return {
    ...{ clock, ca, storeFaults, away },
    get discovery() {
      return running;
    },
    get store() {
      return running.store;
    },
    as: (requester = ADMIN, caller = "gateway") => remotes(running, clock, caller, requester),
    grant: (service, fields = {}) =>
      ca.as("gateway", ADMIN).grants.grant({
        ...{ requestId: randomUUID(), organisation: "brandenburg", service, profile: "mtls_service" },
        ...{ dnsNames: [`${service}.vcc.internal`], ipAddresses: [], expiresAt: undefined },
        ...fields,
      }),
    csrOf: (service, names = { dns: [`${service}.vcc.internal`] }) =>
      ca.csr({ uri: [`spiffe://vcc.internal/org/brandenburg/service/${service}`], ...names }),
    async restart() {
      await running.close();
      running = await start();
    },
    async close() {
      await running.close();
      await caRelay.stop();
      await bus.close();
      await ca.close();
      await telemetry.shutdown();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

function remotes(
  { services, mayForward, onRefused, limits }: RunningDiscovery,
  clock: FakeClock,
  caller: string,
  requester: string,
) {
  const remote = <D extends ServiceDefinition>(definition: D) => {
    const connected = connectInProcess(services, definition, { caller, clock, mayForward, onRefused, limits });
    if (caller !== "gateway" || requester === "") return connected;
    return forwarding(connected, requester);
  };
  return {
    registry: remote(RegistryServiceDefinition),
    inventory: remote(InventoryServiceDefinition),
    enrolment: remote(EnrolmentServiceDefinition),
    agents: remote(AgentServiceDefinition),
    policy: remote(PolicyServiceDefinition),
    envoy: remote(AuthorizationDefinition),
  };
}
