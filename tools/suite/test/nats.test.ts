import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { type Bus, type BusIdentity, connectBus } from "@vcc-pki/events";
import { suiteId } from "@vcc-pki/rpc";
import { silentLogger } from "@vcc-pki/telemetry";
import { createTestIdentities } from "@vcc-pki/testkit/identity";
import { systemClock } from "@vcc-pki/time";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { natsConfig, RIGHTS } from "../src/nats-config.ts";
import { natsSpec } from "../src/nats-process.ts";
import { Supervisor } from "../src/supervisor.ts";
import { newDirectory } from "./directory.ts";
import { FAST } from "./harness.ts";

const identities = createTestIdentities();
const directory = newDirectory();
const paths = { identityDirectory: join(directory, "identity"), storeDirectory: join(directory, "jetstream") };
let port: number;
let supervisor: Supervisor;

const writeServerIdentity = (): void => {
  const { keyPem, chainPem, trustPem } = identities.forUri(suiteId("nats")).current();
  mkdirSync(paths.identityDirectory, { recursive: true });
  writeFileSync(join(paths.identityDirectory, "key.pem"), keyPem, { mode: 0o600 });
  writeFileSync(join(paths.identityDirectory, "chain.pem"), chainPem);
  writeFileSync(join(paths.identityDirectory, "trust.pem"), trustPem);
};

const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });

function connectAs(identity: BusIdentity): Bus {
  const bus = connectBus({
    servers: [`127.0.0.1:${port}`],
    identity,
    verifyServer: () => undefined,
    name: "test",
    log: silentLogger,
  });
  onTestFinished(() => bus.close());
  return bus;
}
const connected = (bus: Bus): Promise<void> =>
  new Promise((resolve) => {
    if (bus.connected) resolve();
    else bus.onConnected(resolve);
  });
const factOn = (subject: string) => ({
  ...({ specversion: "1.0", datacontenttype: "application/json", type: "pki.test.v1", source: suiteId("ca") } as const),
  ...{ id: crypto.randomUUID(), subject, time: systemClock.now().toISOString(), data: {} },
});

beforeAll(async () => {
  port = await freePort();
  writeServerIdentity();
  const conf = join(directory, "nats.conf");
  writeFileSync(conf, natsConfig({ host: "127.0.0.1", port, ...paths }));
  supervisor = new Supervisor({
    specs: [natsSpec({ conf, host: "127.0.0.1", port })],
    logPath: (name) => join(directory, `${name}.log`),
    clock: systemClock,
    report: () => undefined,
    timing: FAST,
  });
  await supervisor.start();
});
afterAll(() => supervisor.stop());

const root = new URL("../../..", import.meta.url).pathname;

/** What each service tells of, as its sources say. One fact that the bus refuses would hold up all that come after it. */
const ENTITIES = Object.fromEntries(
  readdirSync(`${root}services`).map((service) => {
    const sources = readdirSync(`${root}services/${service}/src`, { recursive: true, encoding: "utf8" });
    const texts = sources
      .filter((file) => /(?<!\.test)\.ts$/.test(file))
      .map((file) => readFileSync(`${root}services/${service}/src/${file}`, "utf8"));
    const entities = texts.flatMap((text) =>
      [...text.matchAll(/\bevent\(\s*"pki\.([a-z]+)\./g)].map(([, entity]) => entity),
    );
    return [service, [...new Set(entities)].sort()];
  }),
);

describe("the NATS server of the suite", () => {
  it("lets the ca publish its facts, and nobody else's", async () => {
    const ca = connectAs(identities.forUri(suiteId("ca")));
    await connected(ca);
    const fact = factOn("pki.brandenburg.certificate.issued");
    await ca.publish(fact);
    expect(await ca.lastIdOn(fact.subject)).toBe(fact.id);
    await expect(ca.publish(factOn("pki.brandenburg.key.created"))).rejects.toMatchObject({ code: "PEER_UNAVAILABLE" });
    expect(await ca.lastIdOn("pki.brandenburg.key.created")).toBeUndefined();
  });

  it("lets each service publish what it tells of, and no more", () => {
    expect(ENTITIES.ca).toContain("certificate");
    const telling = Object.entries(ENTITIES).filter(([service, entities]) => entities.length > 0 || service in RIGHTS);
    for (const [service, entities] of telling)
      expect([...(RIGHTS[service]?.publishes ?? [])].sort(), service).toEqual(entities);
  });

  it("lets the gateway read, and not publish", async () => {
    const ca = connectAs(identities.forUri(suiteId("ca")));
    await connected(ca);
    const fact = factOn("pki.brandenburg.certificate.revoked");
    await ca.publish(fact);

    const gateway = connectAs(identities.forUri(suiteId("gateway")));
    await connected(gateway);
    const stop = new AbortController();
    for await (const event of gateway.tail({ subject: "pki.brandenburg.>", last: 1, signal: stop.signal })) {
      expect(event.id).toBe(fact.id);
      stop.abort();
    }
    await expect(gateway.publish(factOn("pki.brandenburg.certificate.issued"))).rejects.toMatchObject({
      code: "PEER_UNAVAILABLE",
    });
  });

  it("lets ocsp read what the ca publishes, and publish alarms alone", async () => {
    const [ca, ocsp] = [connectAs(identities.forUri(suiteId("ca"))), connectAs(identities.forUri(suiteId("ocsp")))];
    await Promise.all([connected(ca), connected(ocsp)]);
    const fact = factOn("pki.bayern.certificate.revoked");
    await ca.publish(fact);
    const stop = new AbortController();
    for await (const event of ocsp.tail({ subject: "pki.bayern.>", last: 1, signal: stop.signal })) {
      expect(event.id).toBe(fact.id);
      stop.abort();
    }
    await ocsp.publish(factOn("pki.vcc.status.alarm"));
    await expect(ocsp.publish(factOn("pki.bayern.certificate.released"))).rejects.toMatchObject({
      code: "PEER_UNAVAILABLE",
    });
  });

  it.each([
    ["a service that has no business there", () => identities.forUri(suiteId("console"))],
    [
      "a workload with a certificate of ours",
      () => identities.forUri("spiffe://vcc.internal/org/brandenburg/service/argus"),
    ],
    ["the ca of somebody else", () => identities.foreign.forUri(suiteId("ca"))],
  ])("does not let in %s", async (_who, identity) => {
    const before = connectionsRefused();
    const bus = connectAs(identity());
    while (connectionsRefused() === before) await new Promise((resolve) => setTimeout(resolve, 20));
    expect(bus.connected).toBe(false);
  });

  it("shows a renewed certificate after a reload, without dropping who is connected", async () => {
    const ca = connectAs(identities.forUri(suiteId("ca")));
    await connected(ca);
    writeServerIdentity();
    supervisor.reload("nats");
    const log = join(directory, "nats.log");
    while (!readFileSync(log, "utf8").includes("Reloaded server configuration")) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    await ca.publish(factOn("pki.brandenburg.crl.published"));
    expect(supervisor.snapshots()).toMatchObject([{ name: "nats", state: "ready", restarts: 0 }]);
  });
});

const connectionsRefused = (): number =>
  readFileSync(join(directory, "nats.log"), "utf8").match(/authentication error|TLS handshake error/g)?.length ?? 0;

it("the configuration for containers is the one this writes", () => {
  expect(readFileSync(`${root}deploy/nats/compose.conf`, "utf8")).toBe(
    natsConfig({
      host: "0.0.0.0",
      port: 7422,
      storeDirectory: "/state/nats",
      identityDirectory: "/state/identity/nats",
    }),
  );
});
