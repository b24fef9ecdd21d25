import { setTimeout as sleep } from "node:timers/promises";
import type { StoreFaults } from "@vcc-pki/store";
import { systemClock } from "@vcc-pki/time";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { until } from "./bus-conformance.ts";
import {
  certificateIds,
  memoryLog,
  newBus,
  newOrganisation,
  newRelay,
  newStore,
  SOURCE,
  stored,
  tell,
} from "./harness.ts";
import { startTestNats, type TestNats } from "./nats-server.ts";

describe("outbox relay to NATS", () => {
  let nats: TestNats;
  beforeAll(async () => {
    nats = await startTestNats();
  });
  afterAll(() => nats.destroy());

  const numbered = (count: number, from = 0) => Array.from({ length: count }, (_, index) => `ca:${from + index}`);

  it("publishes what waits and what is added, in order, as CloudEvents with the outbox's message id", async () => {
    const organisation = newOrganisation();
    const { store } = newStore();
    const before = await Promise.all(numbered(600).map((id) => tell(store, organisation, id)));
    const bus = newBus(nats);
    const relay = newRelay({ store, bus });
    const after = await Promise.all(numbered(600, 600).map((id) => tell(store, organisation, id)));
    await relay.drain();
    const events = await stored(bus, organisation, 1_200);
    expect(events.map(({ id }) => id)).toEqual([...before, ...after]);
    expect(certificateIds(events)).toEqual(numbered(1_200));
    expect(events[0]).toMatchObject({ source: SOURCE, type: "pki.certificate.expired.v1", specversion: "1.0" });
    expect(store.outbox.pendingCount()).toBe(0);
  });

  it("lets work go on while NATS is away, and delivers each event once and in order when it is back", async () => {
    const organisation = newOrganisation();
    const { store } = newStore();
    const bus = newBus(nats);
    const { log, messages } = memoryLog();
    const relay = newRelay({ store, bus, log });
    await until(() => bus.connected);

    let next = 0;
    let writing = true;
    const writers = Array.from({ length: 8 }, async () => {
      while (writing) {
        await tell(store, organisation, `ca:${next++}`);
        await sleep(1);
      }
    });
    for (let outage = 0; outage < 3; outage++) {
      const from = next;
      await until(() => next > from + 200);
      await nats.kill();
      const downSince = next;
      await until(() => next > downSince + 200);
      expect(store.outbox.pendingCount()).toBeGreaterThan(100);
      await nats.start();
    }
    writing = false;
    await Promise.all(writers);
    await relay.drain();
    const ids = certificateIds(await stored(bus, organisation, next));
    // Writers race for their place in the outbox, so its order is what counts: each once, none missing.
    expect(ids.length).toBe(next);
    expect(new Set(ids)).toEqual(new Set(numbered(next)));
    expect(ids).toEqual(await outboxOrder(store, organisation));
    expect(messages().filter((message) => message === "outbox waits for the bus").length).toBeLessThanOrEqual(6);
  });

  it.each<[string, keyof StoreFaults]>([
    ["failed and not stored", "beforeCommit"],
    ["failed but stored", "afterCommit"],
  ])("publishes once when the note that it did %s", async (_case, fault) => {
    const organisation = newOrganisation();
    const faults: StoreFaults = {};
    const { store } = newStore({ faults });
    await Promise.all(numbered(10).map((id) => tell(store, organisation, id)));
    let failures = 3;
    faults[fault] = () => {
      if (failures-- > 0) throw new Error("disk on fire");
    };
    const bus = newBus(nats);
    await newRelay({ store, bus }).drain();
    expect(failures).toBeLessThan(3);
    expect(certificateIds(await stored(bus, organisation, 10))).toEqual(numbered(10));
  });

  it("goes on where the relay before it stopped", async () => {
    const organisation = newOrganisation();
    const { store } = newStore();
    const bus = newBus(nats);
    const first = newRelay({ store, bus });
    await tell(store, organisation, "ca:0");
    await first.drain();
    await first.stop();
    await tell(store, organisation, "ca:1");
    expect(store.outbox.pendingCount()).toBe(1);
    await newRelay({ store, bus }).drain();
    expect(certificateIds(await stored(bus, organisation, 2))).toEqual(["ca:0", "ca:1"]);
  });

  it("publishes again what the server lost in a crash, and not what has merely aged", async () => {
    const organisation = newOrganisation();
    const { store } = newStore();
    const bus = newBus(nats);
    const { log, messages } = memoryLog();
    const relay = newRelay({ store, bus, log });
    await Promise.all(numbered(300).map((id) => tell(store, organisation, id)));
    await relay.drain();

    await nats.kill();
    nats.forget();
    await until(() => !bus.connected);
    await nats.start();
    await until(() => messages().includes("bus lost events, publishing again"));
    await relay.drain();
    expect(certificateIds(await stored(bus, organisation, 300))).toEqual(numbered(300));
    await relay.stop();

    const later = { ...systemClock, now: () => new Date(Date.now() + 2 * 86_400_000) };
    await nats.kill();
    nats.forget();
    await until(() => !bus.connected);
    await nats.start();
    await until(() => bus.connected);
    await newRelay({ store, bus, clock: later }).drain();
    await tell(store, organisation, "ca:new");
    await newRelay({ store, bus, clock: later }).drain();
    expect(certificateIds(await stored(bus, organisation, 1))).toEqual(["ca:new"]);
  });

  it("does not wait for ever for a server that hangs", async () => {
    const organisation = newOrganisation();
    const { store } = newStore();
    const bus = newBus(nats);
    const { log, messages } = memoryLog();
    const relay = newRelay({ store, bus, log });
    await until(() => bus.connected);
    nats.freeze();
    await tell(store, organisation, "ca:0");
    await until(() => messages().includes("outbox waits for the bus"));
    nats.thaw();
    await relay.drain();
    expect(certificateIds(await stored(bus, organisation, 1))).toEqual(["ca:0"]);
  });

  it("does not publish again after an outage that lost nothing", async () => {
    const organisation = newOrganisation();
    const { store } = newStore();
    const bus = newBus(nats);
    const { log, messages } = memoryLog();
    const relay = newRelay({ store, bus, log });
    await tell(store, organisation, "ca:0");
    await relay.drain();
    await nats.kill();
    await until(() => !bus.connected);
    await nats.start();
    await tell(store, organisation, "ca:1");
    await relay.drain();
    expect(messages()).not.toContain("bus lost events, publishing again");
    expect(certificateIds(await stored(bus, organisation, 2))).toEqual(["ca:0", "ca:1"]);
  });

  /** The order of everything ever added, read from the rows the outbox keeps. */
  async function outboxOrder(store: ReturnType<typeof newStore>["store"], organisation: string): Promise<string[]> {
    await store.write(() => store.outbox.rewind(new Date(0)));
    const all = store.outbox.pending(1e6).filter(({ subject }) => subject.startsWith(`pki.${organisation}.`));
    return all.map(({ data }) => (data as { certificateId: string }).certificateId);
  }
});
