import { setTimeout as sleep } from "node:timers/promises";
import { jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import type { StoreFaults } from "@vcc-pki/store";
import { currentTraceId, startTelemetry, withSpan } from "@vcc-pki/telemetry";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { type FactEvent, type SubscribeOptions, subscribe } from "../src/index.ts";
import { someEvents, until } from "./bus-conformance.ts";
import { memoryLog, newBus, newOrganisation, newRelay, newStore, tell } from "./harness.ts";
import { startTestNats, type TestNats } from "./nats-server.ts";

describe("durable subscription", () => {
  let nats: TestNats;
  beforeAll(async () => {
    nats = await startTestNats();
  });
  afterAll(() => nats.destroy());

  /** A subscriber with a store of its own which notes each certificate it hears of. */
  function newSubscriber(organisation: string, overrides: Partial<SubscribeOptions> = {}, faults: StoreFaults = {}) {
    const { store, see, seen } = newStore({ faults });
    const { log, lines, messages } = memoryLog();
    const bus = newBus(nats, { log });
    const options: SubscribeOptions = {
      ...{ bus, store, log, durable: `notes-${organisation}`, subject: `pki.${organisation}.>` },
      handler: ({ data }) => see((data as { certificateId: string }).certificateId),
      ...overrides,
    };
    const start = () => {
      const subscription = subscribe(options);
      onTestFinished(() => subscription.close());
      return subscription;
    };
    return { bus, store, see, seen, lines, messages, start };
  }

  function newPublisher() {
    const { store } = newStore();
    const relay = newRelay({ store, bus: newBus(nats) });
    return { store, drain: () => relay.drain() };
  }

  it("hands each fact to the handler, typed, with its organisation", async () => {
    const organisation = newOrganisation();
    const facts: FactEvent[] = [];
    newSubscriber(organisation, { handler: (fact) => facts.push(fact) }).start();
    await tell(newPublisher().store, organisation, "ca:1");
    await until(() => facts.length === 1);
    const [fact] = facts;
    if (fact?.type !== "pki.certificate.expired.v1") throw new Error("another fact");
    expect(fact.organisation).toBe(organisation);
    expect(fact.data.serialHex).toBe("01ab");
  });

  it("lets the handler work in the trace of the publisher", async () => {
    const organisation = newOrganisation();
    let seenTrace: string | undefined;
    const handler = () => {
      seenTrace = currentTraceId();
    };
    newSubscriber(organisation, { handler }).start();
    const { tracer } = startTelemetry({ service: "test" });
    const publisher = newPublisher();
    const traceId = await withSpan(tracer, "issue", {}, async (span) => {
      await tell(publisher.store, organisation, "ca:1");
      return span.spanContext().traceId;
    });
    await until(() => seenTrace !== undefined);
    expect(seenTrace).toBe(traceId);
  });

  it.each<[string, keyof StoreFaults]>([
    ["failed and not stored", "beforeCommit"],
    ["failed but stored", "afterCommit"],
  ])("works on an event once when its commit %s", async (_case, fault) => {
    const organisation = newOrganisation();
    const faults: StoreFaults = {};
    const { seen, start, messages } = newSubscriber(organisation, {}, faults);
    const publisher = newPublisher();
    for (let index = 0; index < 5; index++) await tell(publisher.store, organisation, `ca:${index}`);
    let failures = 2;
    faults[fault] = () => {
      if (failures-- > 0) throw new Error("disk on fire");
    };
    start();
    await until(() => failures < 0 && seen().length === 5);
    await tell(publisher.store, organisation, "ca:last");
    await until(() => seen().includes("ca:last"));
    expect(seen().toSorted()).toEqual(["ca:0", "ca:1", "ca:2", "ca:3", "ca:4", "ca:last"]);
    expect(messages()).toContain("event not handled");
  });

  it("undoes and repeats what a handler did before it threw", async () => {
    const organisation = newOrganisation();
    let attempts = 0;
    const subscriber = newSubscriber(organisation, {
      handler(fact) {
        subscriber.see(fact.id);
        if (++attempts < 3) throw new Error("not yet");
      },
    });
    subscriber.start();
    const id = await tell(newPublisher().store, organisation, "ca:1");
    await until(() => subscriber.seen().length > 0);
    expect(subscriber.seen()).toEqual([id]);
    expect(attempts).toBe(3);
  });

  it("gives up malformed events, passes over unknown ones, reports both, and goes on", async () => {
    const organisation = newOrganisation();
    const { bus, seen, start, lines } = newSubscriber(organisation);
    start();
    await until(() => bus.connected);
    const [spoiled, unknown] = someEvents(organisation, 2);
    const raw = await connect({ servers: [...nats.servers], tls: tlsOf(nats) });
    onTestFinished(() => raw.close());
    for (const body of ["", "{", "null", "\u0000"]) raw.publish(`pki.${organisation}.certificate.issued`, body);
    await raw.flush();
    await bus.publish({ ...spoiled, data: { serialHex: "not hex" } });
    await bus.publish({ ...unknown, type: "pki.unicorn.seen.v1" });
    await tell(newPublisher().store, organisation, "ca:good");
    await until(() => seen().length === 1);
    expect(seen()).toEqual(["ca:good"]);
    const manager = await jetstreamManager(raw);
    const waiting = async () => (await manager.consumers.info("PKI", `notes-${organisation}`)).num_ack_pending;
    while ((await waiting()) > 0) await sleep(20);
    const malformed = lines.filter(({ msg }) => msg === "event is malformed");
    expect(malformed).toHaveLength(5);
    expect(malformed[4]).toMatchObject({ level: "error", eventId: spoiled.id, error: { code: "REQUEST_MALFORMED" } });
    expect(lines).toContainEqual(
      expect.objectContaining({ level: "warn", msg: "event of unknown type passed over", eventId: unknown.id }),
    );
  });

  it("works on each event once through kill -9 of the server and restarts of its own", async () => {
    const organisation = newOrganisation();
    const { seen, start } = newSubscriber(organisation);
    const publisher = newPublisher();
    const total = 3_000;
    const writing = (async () => {
      for (let index = 0; index < total; index += 10) {
        await Promise.all(
          Array.from({ length: 10 }, (_, offset) => tell(publisher.store, organisation, `ca:${index + offset}`)),
        );
      }
    })();
    let subscription = start();
    for (let outage = 1; outage <= 3; outage++) {
      await until(() => seen().length > outage * 400);
      await nats.kill();
      await subscription.close();
      subscription = start();
      await nats.start();
    }
    await writing;
    await until(() => seen().length >= total);
    expect(new Set(seen()).size).toBe(total);
    expect(seen()).toHaveLength(total);
  });

  it("comes back when somebody deletes its consumer on the server, and repeats nothing", async () => {
    const organisation = newOrganisation();
    const { seen, start, messages } = newSubscriber(organisation);
    start();
    const publisher = newPublisher();
    await tell(publisher.store, organisation, "ca:1");
    await until(() => seen().length === 1);
    const raw = await connect({ servers: [...nats.servers], tls: tlsOf(nats) });
    onTestFinished(() => raw.close());
    const manager = await jetstreamManager(raw);
    await manager.consumers.delete("PKI", `notes-${organisation}`);
    await until(() => messages().includes("subscription interrupted"));
    await tell(publisher.store, organisation, "ca:2");
    await until(() => seen().length === 2);
    expect(seen()).toEqual(["ca:1", "ca:2"]);
  });
});

const tlsOf = (nats: TestNats) => {
  const { keyPem, chainPem, trustPem } = nats.identity.current();
  return { key: keyPem, cert: chainPem, ca: trustPem };
};
