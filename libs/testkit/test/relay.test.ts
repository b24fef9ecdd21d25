import { event, startRelay } from "@vcc-pki/events";
import { openStore, type Store } from "@vcc-pki/store";
import { silentLogger } from "@vcc-pki/telemetry";
import { describe, expect, it, onTestFinished } from "vitest";
import { type InMemoryBus, inMemoryBus } from "../src/bus.ts";
import { fakeClock } from "../src/clock.ts";

const clock = fakeClock();

function newRelay(bus: InMemoryBus) {
  const store = openStore({ file: ":memory:", migrations: new URL("migrations/", import.meta.url), clock });
  const relay = startRelay({ store, bus, source: "spiffe://vcc.internal/pki/ca", log: silentLogger, clock });
  onTestFinished(async () => {
    await relay.stop();
    await store.close();
  });
  return { store, relay };
}

const tell = (store: Store, policyId: string) =>
  store.write(() => store.outbox.add(event("pki.policy.changed.v1", "vcc", { policy: "test", policyId })));

const policyIds = (bus: InMemoryBus) => bus.stored.map(({ data }) => (data as { policyId: string }).policyId);

describe("outbox relay when the bus fails on single events", () => {
  it.each(["beforeStore", "afterStore"] as const)("publishes each once: %s", async (fault) => {
    const bus = inMemoryBus();
    let failures = 2;
    bus.faults[fault] = ({ data }) => {
      if ((data as { policyId: string }).policyId === "p3" && failures-- > 0) throw new Error("no");
    };
    const { store, relay } = newRelay(bus);
    await Promise.all(["p1", "p2", "p3", "p4", "p5"].map((policyId) => tell(store, policyId)));
    await relay.drain();
    expect(failures).toBeLessThan(2);
    expect(policyIds(bus).toSorted()).toEqual(["p1", "p2", "p3", "p4", "p5"]);
  });

  it("goes on after an outage, and publishes again what the bus lost", async () => {
    const bus = inMemoryBus();
    const { store, relay } = newRelay(bus);
    for (const policyId of ["p1", "p2", "p3"]) await tell(store, policyId);
    await relay.drain();
    bus.goAway();
    await tell(store, "p4");
    bus.lose(2);
    bus.comeBack();
    await relay.drain();
    expect(policyIds(bus)).toEqual(["p1", "p2", "p3", "p4"]);
  });
});
