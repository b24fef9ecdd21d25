import { randomUUIDv7 } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { Bus, BusSubscription, CloudEvent, Subscription } from "../src/index.ts";
import { parseCloudEvent } from "../src/index.ts";

export interface BusUnderTest {
  readonly bus: Bus;
  goAway(): Promise<void>;
  comeBack(): Promise<void>;
  close(): Promise<void>;
}

/** What every `Bus` promises. Each test keeps to an organisation of its own, so that one bus serves them all. */
export function describeBus(name: string, create: () => Promise<BusUnderTest>): void {
  describe(`bus conformance: ${name}`, () => {
    let under: BusUnderTest;
    const subscriptions: Subscription[] = [];

    beforeAll(async () => {
      under = await create();
      await until(() => under.bus.connected);
    });
    afterEach(() => Promise.all(subscriptions.splice(0).map((subscription) => subscription.close())));
    afterAll(() => under.close());

    const publishAll = (events: readonly CloudEvent[]) => Promise.all(events.map((event) => under.bus.publish(event)));

    /** Subscribes and collects the ids in the order of delivery. */
    const collect = (durable: string, subject: string, deliver: BusSubscription["deliver"] = async () => "done") => {
      const ids: string[] = [];
      const subscription = under.bus.subscribe({
        durable,
        subject,
        deliver(body) {
          ids.push(parseCloudEvent(body).id);
          return deliver(body);
        },
      });
      subscriptions.push(subscription);
      return { ids, subscription };
    };

    it("delivers what was stored before and after the subscription, in order and unchanged", async () => {
      const [before, after] = [someEvents("order", 20), someEvents("order", 20)];
      await publishAll(before);
      const bodies: CloudEvent[] = [];
      collect("order", "pki.order.>", async (body) => {
        bodies.push(parseCloudEvent(body));
        return "done";
      });
      await publishAll(after);
      await until(() => bodies.length === 40);
      expect(bodies).toEqual([...before, ...after]);
    });

    it("stores an id once", async () => {
      const [event, other] = someEvents("once", 2);
      await publishAll([event, event, other, event]);
      const { ids } = collect("once", "pki.once.>");
      await until(() => ids.includes(other.id));
      expect(ids).toEqual([event.id, other.id]);
    });

    it("gives each durable name its own copy of what matches its subject", async () => {
      const issued = someEvents("fan", 3);
      const revoked = someEvents("fan", 2, "certificate.revoked");
      await publishAll([...issued, ...revoked]);
      const all = collect("fan-all", "pki.fan.certificate.*");
      const one = collect("fan-one", "pki.*.certificate.revoked");
      await until(() => all.ids.length === 5 && one.ids.length === 2);
      expect(one.ids).toEqual(revoked.map(({ id }) => id));
    });

    it("delivers again what threw, and meanwhile the rest", async () => {
      const [first, second] = someEvents("again", 2);
      await publishAll([first, second]);
      let failures = 2;
      const { ids } = collect("again", "pki.again.>", async (body) => {
        if (parseCloudEvent(body).id === first.id && failures-- > 0) throw new Error("not yet");
        return "done";
      });
      await until(() => ids.length === 4);
      expect(ids.filter((id) => id === first.id)).toHaveLength(3);
      expect(ids.filter((id) => id === second.id)).toHaveLength(1);
    });

    it("never delivers poison again", async () => {
      const [bad, good] = someEvents("poison", 2);
      await publishAll([bad, good]);
      const deliver = async (body: Uint8Array) =>
        (parseCloudEvent(body).id === bad.id ? "poison" : "done") as "poison" | "done";
      const { ids, subscription } = collect("poison", "pki.poison.>", deliver);
      await until(() => ids.length === 2);
      await subscription.close();
      const [last] = someEvents("poison", 1);
      await under.bus.publish(last);
      const resumed = collect("poison", "pki.poison.>");
      await until(() => resumed.ids.includes(last.id));
      expect(resumed.ids).toEqual([last.id]);
    });

    it("resumes a durable name where it stopped", async () => {
      const events = someEvents("resume", 6);
      await publishAll(events.slice(0, 3));
      const { ids, subscription } = collect("resume", "pki.resume.>");
      await until(() => ids.length === 3);
      await subscription.close();
      await publishAll(events.slice(3));
      const resumed = collect("resume", "pki.resume.>");
      await until(() => resumed.ids.length === 3);
      expect(resumed.ids).toEqual(events.slice(3).map(({ id }) => id));
    });

    it("finishes what it has taken before a subscription is closed", async () => {
      const [event] = someEvents("finish", 1);
      await under.bus.publish(event);
      let finished = false;
      let started = false;
      const { subscription } = collect("finish", "pki.finish.>", async () => {
        started = true;
        await sleep(50);
        finished = true;
        return "done";
      });
      await until(() => started);
      await subscription.close();
      expect(finished).toBe(true);
    });

    it("knows the newest id on a subject", async () => {
      const events = someEvents("newest", 2);
      for (const event of events) await under.bus.publish(event);
      expect(await under.bus.lastIdOn("pki.newest.certificate.issued")).toBe(events[1].id);
      expect(await under.bus.lastIdOn("pki.newest.certificate.revoked")).toBeUndefined();
    });

    it("tails from some matching events back, and from now on", async () => {
      const old = someEvents("tail", 5);
      await publishAll(old);
      await publishAll(someEvents("other", 28));
      const stop = new AbortController();
      const tail = under.bus.tail({ subject: "pki.tail.>", last: 2, signal: stop.signal })[Symbol.asyncIterator]();
      expect((await tail.next()).value.id).toBe(old[3].id);
      expect((await tail.next()).value.id).toBe(old[4].id);
      const [fresh] = someEvents("tail", 1);
      await under.bus.publish(fresh);
      expect((await tail.next()).value.id).toBe(fresh.id);
      stop.abort();
      expect((await tail.next()).done).toBe(true);
    });

    it("tails everything there is when asked for more", async () => {
      const events = someEvents("few", 2);
      for (const event of events) await under.bus.publish(event);
      const stop = new AbortController();
      const seen: string[] = [];
      for await (const event of under.bus.tail({ subject: "pki.few.>", last: 100, signal: stop.signal })) {
        if (seen.push(event.id) === 2) stop.abort();
      }
      expect(seen).toEqual(events.map(({ id }) => id));
    });

    it("tails only what comes from now on unless asked", async () => {
      const [old] = someEvents("now", 1);
      await under.bus.publish(old);
      const stop = new AbortController();
      const tail = under.bus.tail({ subject: "pki.now.>", signal: stop.signal })[Symbol.asyncIterator]();
      const next = tail.next();
      let arrived = false;
      next.then(() => {
        arrived = true;
      });
      // When the tail has begun is for the bus to know, so we publish until it has.
      const published: string[] = [];
      while (!arrived) {
        const [event] = someEvents("now", 1);
        published.push(event.id);
        await under.bus.publish(event);
        await sleep(10);
      }
      expect(published).toContain((await next).value.id);
      stop.abort();
    });

    it("refuses to publish while it is away, says when it is back, and loses nothing", async () => {
      const [before, refused, after] = someEvents("away", 3);
      await under.bus.publish(before);
      const { ids } = collect("away", "pki.away.>");
      await until(() => ids.length === 1);
      await under.goAway();
      await until(() => !under.bus.connected);
      await expect(under.bus.publish(refused)).rejects.toMatchObject({ code: "PEER_UNAVAILABLE" });
      await expect(under.bus.lastIdOn(before.subject)).rejects.toMatchObject({ code: "PEER_UNAVAILABLE" });
      const back = new Promise<void>((resolve) => {
        const stop = under.bus.onConnected(() => {
          stop();
          resolve();
        });
      });
      await under.comeBack();
      await back;
      expect(under.bus.connected).toBe(true);
      await under.bus.publish(after);
      await until(() => ids.includes(after.id));
      expect(new Set(ids)).toEqual(new Set([before.id, after.id]));
    });
  });
}

/** So many events of one organisation, as a tuple to destructure. */
export function someEvents<N extends number>(organisation: string, count: N, fact = "certificate.issued") {
  return Array.from({ length: count }, (_, index) => ({
    specversion: "1.0" as const,
    id: randomUUIDv7(),
    source: "spiffe://vcc.internal/pki/ca",
    type: `pki.${fact}.v1`,
    subject: `pki.${organisation}.${fact}`,
    time: "2026-11-01T00:00:00.000Z",
    datacontenttype: "application/json" as const,
    data: { certificateId: `vcc-services-ca:${index}` },
  })) as unknown as Tuple<CloudEvent, N>;
}

type Tuple<T, N extends number, R extends T[] = []> = number extends N
  ? T[]
  : R["length"] extends N
    ? R
    : Tuple<T, N, [...R, T]>;

/** Waits for a condition that has to come true; the test's own timeout is the limit. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await sleep(5);
}
