import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type CaHarness, newCa } from "@vcc-pki/ca/harness";
import { buildCloudEvent, event, type FactData, type FactType, startRelay } from "@vcc-pki/events";
import {
  HistoryServiceDefinition,
  NotificationServiceDefinition,
  ReportServiceDefinition,
} from "@vcc-pki/proto/lifecycle";
import { connectInProcess, createDenyList, type ServiceDefinition, suiteId } from "@vcc-pki/rpc";
import { createKeyFile, type Store, type StoreFaults } from "@vcc-pki/store";
import { silentLogger, startTelemetry } from "@vcc-pki/telemetry";
import { inMemoryBus } from "@vcc-pki/testkit/bus";
import type { FakeClock } from "@vcc-pki/testkit/clock";
import { forwarding } from "@vcc-pki/testkit/forwarding";
import { interruptible } from "@vcc-pki/testkit/interruptible";
import { LifecycleConfig } from "../src/config.ts";
import { type RunningLifecycle, startLifecycle } from "../src/service.ts";

/** An administrator of brandenburg, at home. */
export const ADMIN = "spiffe://vcc.internal/org/brandenburg/admin/anna";
export const STRANGER = "spiffe://vcc.internal/org/berlin/admin/bert";

/** The real lifecycle service over a real ca and hsm-gateway (with a SoftHSM token), all in this process. */
export interface LifecycleHarness {
  readonly clock: FakeClock;
  readonly ca: CaHarness;
  readonly lifecycle: RunningLifecycle;
  readonly store: Store;
  /** Makes commits of the service fail. */
  readonly storeFaults: StoreFaults;
  /** Peers that do not answer. */
  readonly away: Set<"ca">;
  /** Its services as this requester reaches them through the gateway, or as another caller does. */
  as(requester?: string, caller?: string): ReturnType<typeof remotes>;
  /** Has discovery tell a fact about brandenburg. */
  tell<T extends FactType>(type: T, data: FactData<T>): Promise<void>;
  /** Stops the service, and starts it on the same database. */
  restart(): Promise<void>;
  close(): Promise<void>;
}

export interface LifecycleHarnessOptions {
  readonly clock?: FakeClock;
  /** As in the configuration. */
  readonly webhooks?: object;
}

export async function newLifecycle({
  clock: given,
  webhooks,
}: LifecycleHarnessOptions = {}): Promise<LifecycleHarness> {
  const directory = mkdtempSync(join(tmpdir(), "vcc-lifecycle-"));
  const ca = await newCa({ clock: given, authorities: ["vcc-services-ca", "vcc-admin-ca", "vcc-platform-ca"] });
  const { clock } = ca;
  const telemetry = startTelemetry({ service: "lifecycle" });
  const storeFaults: StoreFaults = {};
  const away: LifecycleHarness["away"] = new Set();
  const bus = inMemoryBus();
  const caRelay = startRelay({ store: ca.store, bus, source: suiteId("ca"), log: silentLogger, clock });
  createKeyFile(join(directory, "lifecycle.key"));
  const connect = <D extends ServiceDefinition>(definition: D, peer: string) =>
    interruptible(
      () => connectInProcess(ca.ca.services, definition, { caller: "lifecycle", clock }),
      definition,
      () => away.has(peer as "ca"),
    );
  const config = LifecycleConfig.parse({
    ...{ listen: { host: "127.0.0.1", port: 0 }, health: { host: "127.0.0.1", port: 0 }, identityDir: "none" },
    store: { file: join(directory, "lifecycle.db"), keyFile: join(directory, "lifecycle.key") },
    ...{ organisation: "vcc", followInterval: "1d", dueInterval: "1d" }, // tests say when
    webhooks,
  });
  const context = {
    ...{ clock, log: silentLogger, telemetry, trustDomain: "vcc.internal", denyList: createDenyList() },
    ...{ bus, identity: undefined, connect },
  };
  const start = () => startLifecycle(config, context, { faults: storeFaults });
  let running = await start();
  return {
    ...{ clock, ca, storeFaults, away },
    get lifecycle() {
      return running;
    },
    get store() {
      return running.store;
    },
    as: (requester = ADMIN, caller = "gateway") => remotes(running, clock, caller, requester),
    async tell(type, data) {
      const message = { ...event(type, "brandenburg", data), id: 0, messageId: randomUUID(), time: clock.now() };
      await bus.publish(buildCloudEvent({ ...message, traceparent: undefined }, suiteId("discovery")));
    },
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
  { services, mayForward, onRefused, limits }: RunningLifecycle,
  clock: FakeClock,
  caller: string,
  requester: string,
) {
  const remote = <D extends ServiceDefinition>(definition: D) => {
    const connected = connectInProcess(services, definition, { caller, clock, mayForward, onRefused, limits });
    if (caller !== "gateway") return connected;
    return forwarding(connected, requester);
  };
  return {
    history: remote(HistoryServiceDefinition),
    reports: remote(ReportServiceDefinition),
    notifications: remote(NotificationServiceDefinition),
  };
}
