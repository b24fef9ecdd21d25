import { PkiError } from "@vcc-pki/errors";
import { type Bus, connectBus, startRelay } from "@vcc-pki/events";
import { CertificateServiceDefinition } from "@vcc-pki/proto/ca";
import { connect, createDenyList, type RpcServer, readPeer, serve, suiteId } from "@vcc-pki/rpc";
import { type Logger, type ReadinessReport, startHealthServer, startTelemetry } from "@vcc-pki/telemetry";
import type { Clock } from "@vcc-pki/time";
import { parseCertificate, pemDecode } from "@vcc-pki/x509";
import type { z } from "zod";
import type { BaseConfig } from "./config.ts";
import type { RunningService, ServiceContext, ServiceDefinition } from "./define.ts";
import { type FileIdentity, fileIdentity } from "./identity-files.ts";
import { type Renewal, startRenewal } from "./renewal.ts";

export interface StartedService {
  /** Ports as bound. */
  readonly rpcPort: number;
  readonly healthPort: number;
  readonly renewal: Renewal | undefined;
  /** Stops accepting, lets open calls finish for at most `graceMs`, then closes everything, the store last. */
  close(graceMs: number): Promise<void>;
}

/** What undoes each step of the start, in the order of the steps. */
type Closers = (() => unknown)[];

/** Builds a process around a service: identity and its renewal, peers, bus, the service itself, gRPC, relay, health. */
export async function startService<S extends z.ZodType<BaseConfig>>(
  definition: ServiceDefinition<S>,
  config: z.output<S>,
  { clock, log }: { readonly clock: Clock; readonly log: Logger },
): Promise<StartedService> {
  const closers: Closers = [];
  try {
    return await build(definition, config, { clock, log }, closers);
  } catch (error) {
    for (const close of closers.reverse()) await close();
    throw error;
  }
}

async function build<S extends z.ZodType<BaseConfig>>(
  definition: ServiceDefinition<S>,
  config: z.output<S>,
  { clock, log }: { readonly clock: Clock; readonly log: Logger },
  closers: Closers,
): Promise<StartedService> {
  const { trustDomain } = config;
  const self = suiteId(definition.name, trustDomain);

  // 1. Telemetry and identity.
  const telemetry = startTelemetry({ service: definition.name, otlpEndpoint: config.telemetry.otlpEndpoint, log });
  closers.push(() => telemetry.shutdown());
  const identity = fileIdentity(config.identityDir, log);
  closers.push(() => identity.close());
  requireOwn(identity, self, trustDomain);

  // 2. Peers and bus.
  const denyList = createDenyList();
  const bus = config.nats && openBus(config.nats.servers, identity, { name: definition.name, trustDomain, log });
  if (bus) closers.push(() => bus.close());
  const context: ServiceContext = {
    ...{ clock, log, telemetry, trustDomain, denyList, bus, identity },
    connect(rpcDefinition, peer) {
      const address = config.peers[peer]?.address;
      if (address === undefined) throw new PkiError("CONFIG_INVALID", `peers.${peer} is missing in the configuration`);
      const remote = connect(rpcDefinition, {
        address,
        identity,
        expect: suiteId(peer, trustDomain),
        log,
        telemetry,
        trustDomain,
        maxReceiveBytes: MAX_ANSWER_BYTES,
      });
      closers.push(() => remote.close());
      return remote;
    },
  };
  const renewal = config.peers.ca && startOwnRenewal(context, config.identityDir, identity);
  if (renewal) closers.push(() => renewal.stop());

  // 3. The service, its door, its relay.
  const service = await definition.start(config, context);
  closers.push(() => service.close());
  const server = await serveRpc(service, config, context, identity);
  closers.push(() => server.close(0));
  const relay =
    service.store && bus && startRelay({ store: service.store, bus, source: self, log, clock, meter: telemetry.meter });
  if (relay) closers.push(() => relay.stop());

  // 4. Health, over HTTP and as grpc.health.v1.
  const isReady = async () => ({
    ...(await service.ready()),
    ...storeReport(service),
    ...identityReport(identity, clock),
  });
  const health = await startHealthServer({ ...config.health, handleMetrics: telemetry.handleMetrics, isReady });
  closers.push(() => health.close());
  const chores = startChores(isReady, server, denyList, clock);
  closers.push(() => clearInterval(chores));
  log.info("service started", { rpcPort: server.port, healthPort: health.port });

  return {
    rpcPort: server.port,
    healthPort: health.port,
    renewal: renewal || undefined,
    close: (graceMs) => shutDown(graceMs, server, closers),
  };
}

function openBus(
  servers: readonly string[],
  identity: FileIdentity,
  { name, trustDomain, log }: { readonly name: string; readonly trustDomain: string; readonly log: Logger },
): Bus {
  const expected = suiteId("nats", trustDomain);
  return connectBus({
    ...{ servers, identity, name, log },
    verifyServer(leafDer) {
      try {
        const { id } = readPeer(leafDer, "serverAuth", trustDomain);
        return id.uri === expected ? undefined : new Error(`the bus is ${id.uri}, not ${expected}`);
      } catch (error) {
        return error as Error;
      }
    },
  });
}

const startOwnRenewal = (context: ServiceContext, directory: string, identity: FileIdentity): Renewal =>
  startRenewal({ ...context, directory, identity, ca: context.connect(CertificateServiceDefinition, "ca") });

function serveRpc(
  { services, mayForward = [], limits, onRefused }: RunningService,
  { listen, trustDomain }: BaseConfig,
  { clock, log, telemetry, denyList }: ServiceContext,
  identity: FileIdentity,
): Promise<RpcServer> {
  return serve({
    ...listen,
    identity,
    services,
    mayForward,
    limits,
    onRefused(refusal) {
      log.warn("call refused", { ...refusal });
      onRefused?.(refusal);
    },
    trustDomain,
    clock,
    log,
    telemetry,
    denyList,
  });
}

/** A service started with another's files would answer for it. */
function requireOwn(identity: FileIdentity, expected: string, trustDomain: string): void {
  const [leaf] = pemDecode(identity.current().chainPem, "CERTIFICATE");
  const uri = leaf && readPeer(leaf, "serverAuth", trustDomain).id.uri;
  if (uri !== expected)
    throw new PkiError("CONFIG_INVALID", `the identity files are those of ${uri}, not of ${expected}`);
}

function identityReport(identity: FileIdentity, clock: Clock): ReadinessReport {
  const [leaf] = pemDecode(identity.current().chainPem, "CERTIFICATE");
  const expired = leaf === undefined || parseCertificate(leaf).notAfter < clock.now();
  return { identity: expired ? "the certificate of this service has expired" : true };
}

function storeReport({ store }: RunningService): ReadinessReport {
  if (store === undefined) return {};
  try {
    store.db.prepare("SELECT 1").get();
    return { store: true };
  } catch {
    return { store: "the database does not answer" };
  }
}

/** A peer is a service of the suite, whose name is verified; its longest answer is a revocation list of a million entries. */
const MAX_ANSWER_BYTES = 64 * 1024 * 1024;
const CHORES_MS = 5_000;

/** Lets grpc.health.v1 say what /readyz says, and keeps the deny-list free of what has expired anyway. */
function startChores(
  isReady: () => Promise<ReadinessReport>,
  server: RpcServer,
  denyList: ServiceContext["denyList"],
  clock: Clock,
): NodeJS.Timeout {
  const chores = async (): Promise<void> => {
    denyList.dropExpired(clock.now());
    const report = await isReady().catch(() => ({ ready: "the check failed" }));
    server.setServing(Object.values(report).every((check) => check === true));
  };
  return setInterval(chores, CHORES_MS).unref();
}

/** The door first, so that nothing new comes in; then the closers in reverse, of which the service's own closes the store. */
async function shutDown(graceMs: number, server: RpcServer, closers: Closers): Promise<void> {
  await server.close(graceMs);
  for (const close of [...closers].reverse()) await close();
}
