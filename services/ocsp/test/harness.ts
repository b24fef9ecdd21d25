import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type CaHarness, type CaHarnessOptions, newCa } from "@vcc-pki/ca/harness";
import { PkiError } from "@vcc-pki/errors";
import { buildCloudEvent, type CloudEvent, type Relay, startRelay } from "@vcc-pki/events";
import { type Certificate as CertificateMessage, RevocationReason } from "@vcc-pki/proto/ca";
import { StatusServiceDefinition } from "@vcc-pki/proto/ocsp";
import { connectInProcess, createDenyList, type ServiceDefinition, type ServiceImplementation } from "@vcc-pki/rpc";
import { createKeyFile, type Store, type StoreFaults } from "@vcc-pki/store";
import { type Logger, silentLogger, startTelemetry } from "@vcc-pki/telemetry";
import { type InMemoryBus, inMemoryBus } from "@vcc-pki/testkit/bus";
import { type FakeClock, fakeClock } from "@vcc-pki/testkit/clock";
import { type Certificate, parseCertificate } from "@vcc-pki/x509";
import { OcspConfig } from "../src/config.ts";
import { type RunningOcsp, startOcsp } from "../src/service.ts";

export interface OcspHarnessOptions {
  readonly clock?: FakeClock;
  readonly log?: Logger;
  /** Keys of the ocsp service's configuration that matter to the test. */
  readonly config?: Partial<Record<keyof OcspConfig, unknown>>;
  readonly authorities?: CaHarnessOptions["authorities"];
  /** The same of the ca's. */
  readonly ca?: CaHarnessOptions["config"];
  /** "relayed": events reach the service as over NATS; "by hand": the test publishes them. Default: it has to ask. */
  readonly events?: "relayed" | "by hand";
}

/** The real ocsp service over a real ca and a real hsm-gateway with a SoftHSM token, all in this process. */
export interface OcspHarness {
  readonly clock: FakeClock;
  readonly ca: CaHarness;
  readonly ocsp: RunningOcsp;
  readonly store: Store;
  readonly bus: InMemoryBus;
  /** Makes commits of the ocsp service fail. */
  readonly storeFaults: StoreFaults;
  /** Peers that do not answer. */
  readonly away: Set<Peer>;
  /** What streams of the hsm-gateway wait for before they hand on an answer. */
  readonly gate: { opens?: Promise<void> };
  /** The events of the ca about certificates that were not taken before, in their order. */
  takeEvents(): CloudEvent[];
  /** "http://127.0.0.1:PORT" */
  readonly url: string;
  /** StatusService as this caller reaches it. */
  as(caller: string): ReturnType<typeof statusRemote>;
  /** Issues a certificate; by default an mtls_service one of `brandenburg`. Only these are revoked and released by name. */
  issue(fields?: Parameters<CaHarness["issue"]>[0]): Promise<Certificate>;
  revoke(certificate: Certificate, reason?: RevocationReason, invalidityDate?: Date): Promise<CertificateMessage>;
  release(certificate: Certificate): Promise<CertificateMessage>;
  /** The certificate of an authority. */
  authority(authorityId: string): Promise<Certificate>;
  /** Stops the service as kill -9 would, and starts it on the same database. */
  restart(): Promise<void>;
  close(): Promise<void>;
}

export const AUTHORITY = "vcc-services-ca";

/** Who tells the events. */
const source = "spiffe://vcc.internal/pki/ca";

/** An administrator's certificate of vcc-admin-ca, which may be put on hold. */
export const ADMINISTRATOR = {
  profile: "admin",
  organisation: "vcc",
  names: { uri: ["spiffe://vcc.internal/org/vcc/admin/anna"] },
};

export async function newOcsp(options: OcspHarnessOptions = {}): Promise<OcspHarness> {
  const { clock = fakeClock("2026-11-23T12:00:00Z"), log = silentLogger, authorities } = options;
  const directory = mkdtempSync(join(tmpdir(), "vcc-ocsp-"));
  const config = configIn(directory, options.config);
  const ca = await newCa({ clock, authorities, config: options.ca });
  const bus = inMemoryBus();
  const relay: Relay | undefined =
    options.events === "relayed" ? startRelay({ store: ca.store, bus, source, log, clock }) : undefined;
  const telemetry = startTelemetry({ service: "ocsp" });
  const storeFaults: StoreFaults = {};
  const away: OcspHarness["away"] = new Set();
  const gate: OcspHarness["gate"] = {};
  const servicesOf = (peer: string) => (peer === "ca" ? ca.ca.services : ca.hsm.services);
  const connect = <D extends ServiceDefinition>(definition: D, peer: string) =>
    interruptible(() => connectInProcess(servicesOf(peer), definition, { caller: "ocsp", clock }), definition, {
      isAway: () => away.has(peer as Peer),
      opened: () => (peer === "hsm-gateway" ? gate.opens : undefined),
    });
  const context = {
    ...{ clock, log, telemetry, trustDomain: "vcc.internal", denyList: createDenyList(), identity: undefined },
    bus: options.events && bus,
    connect,
  };
  const start = () => startOcsp(config, context, { faults: storeFaults });
  let taken = 0;
  let running = await start();
  await running.refresh();

  const issued = new Map<string, { organisation: string; certificateId: string }>();
  const idOf = ({ serialHex }: Certificate) => {
    const known = issued.get(serialHex);
    if (known === undefined) throw new Error("not issued here");
    return { requestId: randomUUID(), ...known };
  };
  return {
    ...{ clock, ca, bus, storeFaults, away, gate },
    takeEvents() {
      const fresh = ca.store.outbox
        .pending(10_000)
        .filter(({ id, type }) => id > taken && type.includes(".certificate."));
      taken = fresh.at(-1)?.id ?? taken;
      return fresh.map((message) => buildCloudEvent(message, source));
    },
    get ocsp() {
      return running;
    },
    get store() {
      return running.store;
    },
    get url() {
      return `http://127.0.0.1:${running.httpPort}`;
    },
    as: (caller) => statusRemote(running.services, caller, clock),
    async issue(fields) {
      const { certificate } = await ca.issue(fields);
      if (certificate === undefined) throw new Error("no certificate");
      const { organisation, certificateId } = certificate;
      issued.set(certificate.serialHex, { organisation, certificateId });
      return parseCertificate(certificate.certificateDer);
    },
    revoke: (certificate, reason = RevocationReason.KEY_COMPROMISE, invalidityDate = undefined) =>
      ca.as().certificates.revoke({ ...idOf(certificate), reason, invalidityDate }),
    release: (certificate) => ca.as().certificates.release(idOf(certificate)),
    async authority(authorityId) {
      const { certificatesDer } = await ca.as().authorities.getChain({ organisation: "vcc", authorityId });
      return parseCertificate(certificatesDer[0] ?? new Uint8Array());
    },
    async restart() {
      await running.close();
      running = await start();
    },
    async close() {
      await running.close();
      await relay?.stop();
      await ca.close();
      await bus.close();
      await telemetry.shutdown();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

function configIn(directory: string, overrides: OcspHarnessOptions["config"]): OcspConfig {
  createKeyFile(join(directory, "db.key"));
  const never = "1d"; // tests say when
  return OcspConfig.parse({
    ...{ listen: { host: "127.0.0.1", port: 0 }, health: { host: "127.0.0.1", port: 0 }, identityDir: directory },
    http: { host: "127.0.0.1", port: 0 },
    store: { file: join(directory, "ocsp.db"), keyFile: join(directory, "db.key") },
    organisation: "vcc",
    projection: { pullInterval: never, issuersInterval: never },
    ...{ responders: { interval: never }, lists: { interval: never }, alarms: { interval: never } },
    ...overrides,
  });
}

const statusRemote = (services: readonly ServiceImplementation[], caller: string, clock: FakeClock) => ({
  status: connectInProcess(services, StatusServiceDefinition, { caller, clock }),
});

type Peer = "ca" | "hsm-gateway";

interface Interruption {
  readonly isAway: () => boolean;
  readonly opened: () => Promise<void> | undefined;
}

const refusal = () => new PkiError("PEER_UNAVAILABLE", "the peer is away");

/** A peer that can go away: calls then fail as they do when nobody listens, and streams that are open break. Looked up for each call, since
 *  a test may restart it. */
function interruptible<T extends object>(connect: () => T, definition: ServiceDefinition, by: Interruption): T {
  const methods = Object.entries(definition.methods).map(([name, { responseStream }]) => [
    name,
    (...args: unknown[]) => {
      if (by.isAway()) return responseStream ? failing() : Promise.reject(refusal());
      const answer = (connect()[name as keyof T] as (...args: unknown[]) => unknown)(...args);
      return responseStream ? breaking(answer as AsyncIterable<unknown>, by) : answer;
    },
  ]);
  return Object.fromEntries(methods) as T;
}

// biome-ignore lint/correctness/useYield: it fails before the first answer
async function* failing(): AsyncGenerator<never> {
  throw refusal();
}

async function* breaking(answers: AsyncIterable<unknown>, { isAway, opened }: Interruption) {
  for await (const answer of answers) {
    await opened();
    if (isAway()) throw refusal();
    yield answer;
  }
}
