import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { type CaHarness, type CaHarnessOptions, newCa } from "@vcc-pki/ca/harness";
import { TimestampServiceDefinition } from "@vcc-pki/proto/tsa";
import { connectInProcess, createDenyList, type ServiceDefinition, type WritableDenyList } from "@vcc-pki/rpc";
import { createKeyFile, type Store, type StoreFaults } from "@vcc-pki/store";
import { type Logger, silentLogger, startHealthServer, startTelemetry } from "@vcc-pki/telemetry";
import { type FakeClock, fakeClock } from "@vcc-pki/testkit/clock";
import { forwarding } from "@vcc-pki/testkit/forwarding";
import { interruptible } from "@vcc-pki/testkit/interruptible";
import { type Certificate, parseCertificate } from "@vcc-pki/x509";
import type { ClockSource } from "../src/clock/index.ts";
import { TsaConfig } from "../src/config.ts";
import { type RunningTsa, startTsa } from "../src/service.ts";

export interface TsaHarnessOptions {
  readonly clock?: FakeClock;
  readonly log?: Logger;
  /** Keys of the tsa's configuration that matter to the test. */
  readonly config?: Partial<Record<keyof TsaConfig, unknown>>;
  /** Authorities below the root. */
  readonly authorities?: CaHarnessOptions["authorities"];
  /** False: the test does what is due at the start. */
  readonly isReady?: boolean;
}

/** A time source that says what it is told to. */
export interface TestSource extends ClockSource {
  /** How far it is from the true time. */
  offsetMs: number;
  isAway: boolean;
}

/** The real tsa over a real ca and a real hsm-gateway with a SoftHSM token, all in this process. */
export interface TsaHarness {
  readonly clock: FakeClock;
  readonly ca: CaHarness;
  readonly tsa: RunningTsa;
  readonly store: Store;
  /** Makes commits of the tsa fail. */
  readonly storeFaults: StoreFaults;
  /** Peers that do not answer. */
  readonly away: Set<Peer>;
  /** Three servers that agree with each other, unless told otherwise. */
  readonly servers: readonly [TestSource, TestSource, TestSource];
  readonly denyList: WritableDenyList;
  /** "http://127.0.0.1:PORT" */
  readonly url: string;
  /** The value of a metric, by its name with labels as Prometheus writes them; undefined where it was never counted. */
  metric(name: string): Promise<number | undefined>;
  /** TimestampService as this caller reaches it, through the gateway for a requester. */
  as(caller: string, requester?: string): ReturnType<typeof remote>;
  /** The certificates of a unit, the newest last. */
  certificates(unit?: string): Promise<Certificate[]>;
  /** Root of the hierarchy. */
  root(): Promise<Certificate>;
  /** Another replica with a database of its own, over the same ca and token. Its times come from the same servers. */
  replica(name: string): Promise<RunningTsa>;
  /** Stops the service, and starts it on the same database, perhaps with other configuration. */
  restart(config?: TsaHarnessOptions["config"]): Promise<void>;
  close(): Promise<void>;
}

/** Below IANA's enterprise number for examples (RFC 5612). */
export const POLICY = { main: "1.3.6.1.4.1.32473.2.1", other: "1.3.6.1.4.1.32473.2.2", test: "1.3.6.1.4.1.32473.2.9" };

export const TEST_NAME = "test.tsa.vcc.internal";

type Peer = "ca" | "hsm-gateway";

export async function newTsa(options: TsaHarnessOptions = {}): Promise<TsaHarness> {
  const { clock = fakeClock("2026-11-23T12:00:00.250Z"), log = silentLogger, isReady = true } = options;
  const directory = mkdtempSync(join(tmpdir(), "vcc-tsa-"));
  const ca = await newCa({
    ...{ clock, authorities: options.authorities ?? ["vcc-tsa-ca", "vcc-platform-ca"] },
    config: { platformNames: { tsa: { dns: [TEST_NAME] } } },
  });
  const telemetry = startTelemetry({ service: "tsa" });
  const health = await startHealthServer({
    ...{ port: 0, handleMetrics: telemetry.handleMetrics },
    isReady: () => running.ready(),
  });
  const storeFaults: StoreFaults = {};
  const away: TsaHarness["away"] = new Set();
  const denyList = createDenyList();
  const servers = [testSource("one", clock), testSource("two", clock), testSource("three", clock)] as const;
  const servicesOf = (peer: string) => (peer === "ca" ? ca.ca.services : ca.hsm.services);
  const connect = <D extends ServiceDefinition>(definition: D, peer: string) =>
    interruptible(
      () => connectInProcess(servicesOf(peer), definition, { caller: "tsa", clock }),
      definition,
      () => away.has(peer as Peer),
    );
  const context = {
    ...{ clock, log, telemetry, trustDomain: "vcc.internal", denyList, identity: undefined, bus: undefined, connect },
  };
  const start = async (name: string, overrides = options.config) => {
    const config = configIn(join(directory, name), overrides);
    const sources = config.clock.unproven ? undefined : servers;
    const tsa = await startTsa(config, context, { faults: storeFaults, sources });
    if (isReady) await tsa.refresh();
    return tsa;
  };
  let running = await start("1");
  const replicas: RunningTsa[] = [];
  return {
    ...{ clock, ca, storeFaults, away, servers, denyList },
    get tsa() {
      return running;
    },
    get store() {
      return running.store;
    },
    get url() {
      return `http://127.0.0.1:${running.httpPort}`;
    },
    async metric(name) {
      const text = await (await fetch(`http://127.0.0.1:${health.port}/metrics`)).text();
      const line = text.split("\n").find((candidate) => candidate.startsWith(`${name} `));
      return line === undefined ? undefined : Number(line.split(" ")[1]);
    },
    as: (caller, requester) => remote(running, clock, caller, requester),
    async certificates(unit = "") {
      const { certificates } = await remote(running, clock, "gateway").getCertificate({ unit });
      return certificates.map(({ chainDer }) => parseCertificate(chainDer[0] ?? new Uint8Array()));
    },
    async root() {
      const { rootsDer } = await ca.as().authorities.getTrustBundle({});
      return parseCertificate(rootsDer[0] ?? new Uint8Array());
    },
    async replica(name) {
      const replica = await start(name);
      replicas.push(replica);
      return replica;
    },
    async restart(config) {
      await running.close();
      running = await start("1", config);
    },
    async close() {
      for (const replica of replicas) await replica.close();
      await running.close();
      await ca.close();
      await health.close();
      await telemetry.shutdown();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

function configIn(file: string, overrides: TsaHarnessOptions["config"]): TsaConfig {
  const keyFile = `${file}.key`;
  if (!existsSync(keyFile)) createKeyFile(keyFile);
  const never = "1d"; // tests say when
  return TsaConfig.parse({
    ...{ listen: { host: "127.0.0.1", port: 0 }, health: { host: "127.0.0.1", port: 0 }, identityDir: "none" },
    http: { host: "127.0.0.1", port: 0 },
    store: { file: `${file}.db`, keyFile },
    ...{ organisation: "vcc", replica: basename(file) },
    units: [{ name: "main", policies: [POLICY.main] }],
    clock: { jitter: 0 },
    keys: { interval: never },
    log: { summaryInterval: never },
    ...overrides,
  });
}

function remote(tsa: RunningTsa, clock: FakeClock, caller: string, requester?: string) {
  const { services, mayForward, onRefused } = tsa;
  const connected = connectInProcess(services, TimestampServiceDefinition, { caller, clock, mayForward, onRefused });
  if (requester === undefined) return connected;
  return forwarding(connected, requester);
}

/** Knows the true time: that of the clock at first, and from then on the counter's. */
function testSource(name: string, clock: FakeClock): TestSource {
  const startMs = clock.now().getTime() - clock.monotonicMs();
  const source: TestSource = {
    ...{ name, kind: "ntp", offsetMs: 0, isAway: false },
    async measure(timeline) {
      if (source.isAway) return { status: "failed", reason: "unreachable", detail: "away" };
      const monotonicMs = clock.monotonicMs();
      const offsetMs = startMs + monotonicMs - timeline.at(monotonicMs) + source.offsetMs;
      return {
        ...{ status: "measured", offsetMs, errorMs: 5, leap: "none", monotonicMs, stratum: 1, reference: "TEST" },
        ...{ address: `${name}:123`, delayMs: 2, rootDelayMs: 1, rootDispersionMs: 1 },
      };
    },
  };
  return source;
}
