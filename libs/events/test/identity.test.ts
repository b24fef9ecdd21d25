import { createHash, X509Certificate } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { until } from "./bus-conformance.ts";
import { memoryLog, newBus, newOrganisation, newRelay, newStore, tell } from "./harness.ts";
import { startTestNats, type TestNats } from "./nats-server.ts";

describe("connection to NATS", () => {
  let nats: TestNats;
  beforeAll(async () => {
    nats = await startTestNats();
  });
  afterAll(() => nats.destroy());

  const fingerprint = () =>
    createHash("sha256").update(new X509Certificate(nats.identity.current().chainPem).raw).digest("hex");

  it("shows a renewed identity, and loses nothing on the way", async () => {
    const organisation = newOrganisation();
    const { store } = newStore();
    const bus = newBus(nats, { name: organisation });
    const relay = newRelay({ store, bus });
    await until(() => bus.connected);
    const before = fingerprint();
    expect(await nats.clientCertificates(organisation)).toContain(before);
    const writing = Promise.all(Array.from({ length: 500 }, (_, index) => tell(store, organisation, `ca:${index}`)));
    nats.identity.renew();
    expect(fingerprint()).not.toBe(before);
    while (!(await nats.clientCertificates(organisation)).includes(fingerprint())) await sleep(20);
    await writing;
    await relay.drain();
    expect(store.outbox.pendingCount()).toBe(0);
  });

  it("is refused by the server to an identity it does not know, again and again without giving up", async () => {
    const { log, messages } = memoryLog();
    const bus = newBus(nats, { identity: nats.stranger, log });
    await until(() => messages().filter((message) => message === "bus cannot be reached").length >= 2);
    expect(bus.connected).toBe(false);
  });

  it("refuses a server that is somebody else", async () => {
    const { log, lines, messages } = memoryLog();
    const asked: string[] = [];
    const bus = newBus(nats, {
      log,
      verifyServer(leafDer) {
        asked.push(new X509Certificate(leafDer).subject);
        return new Error("this is not the bus");
      },
    });
    await until(() => messages().includes("bus cannot be reached"));
    expect(bus.connected).toBe(false);
    expect(asked[0]).toBe("CN=server");
    expect(JSON.stringify(lines)).toContain("this is not the bus");
  });

  it("accepts a server by its certificate alone when it is asked to", async () => {
    const bus = newBus(nats, { verifyServer: () => undefined });
    await until(() => bus.connected);
  });

  it("creates the stream once however many come at the same time, and brings its limits up to date", async () => {
    await nats.kill();
    nats.forget();
    await nats.start();
    const { keyPem, chainPem, trustPem } = nats.identity.current();
    const raw = await connect({ servers: [...nats.servers], tls: { key: keyPem, cert: chainPem, ca: trustPem } });
    onTestFinished(() => raw.close());
    const manager = await jetstreamManager(raw);

    const buses = Array.from({ length: 6 }, () => newBus(nats));
    await until(() => buses.every((bus) => bus.connected));
    const { config } = await manager.streams.info("PKI");
    expect(config).toMatchObject({ subjects: ["pki.>"], deny_delete: true, deny_purge: true, allow_direct: true });

    await manager.streams.update("PKI", { ...config, max_age: 60e9, duplicate_window: 10e9 });
    const late = newBus(nats);
    await until(() => late.connected);
    expect((await manager.streams.info("PKI")).config).toEqual(config);
  });
});
