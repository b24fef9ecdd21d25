import { startTelemetry, withSpan } from "@vcc-pki/telemetry";
import { describe, expect, it } from "vitest";
import { handClock, newStore } from "../test/harness.ts";
import type { Store } from "./index.ts";

const SUBJECT = "pki.vcc.note.written";
const add = (store: Store, ...texts: string[]) =>
  store.write(() =>
    texts.map((text) => store.outbox.add({ subject: SUBJECT, type: "pki.note.written.v1", data: { text } })),
  );
const waiting = (store: Store) => store.outbox.pending(10).map(({ data }) => (data as { text: string }).text);

describe("outbox", () => {
  it("keeps messages as they were added, in order", async () => {
    const clock = handClock();
    const { store } = newStore({ clock });
    const [first, second] = await add(store, "a", "b");
    expect(store.outbox.pending(10)).toEqual([
      {
        id: 1,
        messageId: first,
        subject: SUBJECT,
        type: "pki.note.written.v1",
        time: clock.now(),
        traceparent: undefined,
        data: { text: "a" },
      },
      expect.objectContaining({ id: 2, messageId: second, data: { text: "b" } }),
    ]);
    expect(store.outbox.pending(1)).toHaveLength(1);
    expect(store.outbox.pendingCount()).toBe(2);
    expect(first).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7/);
  });

  it("carries the trace of the caller", async () => {
    const { store } = newStore();
    const { tracer } = startTelemetry({ service: "test" });
    const traceId = await withSpan(tracer, "work", {}, async (span) => {
      await add(store, "a");
      return span.spanContext().traceId;
    });
    expect(store.outbox.pending(1)[0]?.traceparent).toContain(traceId);
  });

  it("forgets with the work that threw", async () => {
    const { store } = newStore();
    const failing = store.write(() => {
      store.outbox.add({ subject: SUBJECT, type: "t", data: {} });
      throw new Error("no");
    });
    await expect(failing).rejects.toThrow("no");
    expect(store.outbox.pendingCount()).toBe(0);
  });

  it("tells its listeners after the commit, and only when something was added", async () => {
    const { store, insert } = newStore();
    const seen: number[] = [];
    const stop = store.outbox.onAdded(() => seen.push(store.outbox.pendingCount()));
    await add(store, "a", "b");
    await store.write(() => insert("nothing to tell"));
    expect(seen).toEqual([2]);
    stop();
    await add(store, "c");
    expect(seen).toEqual([2]);
  });

  it("moves on when messages are published, and never back", async () => {
    const { store } = newStore();
    await add(store, "a", "b", "c");
    expect(store.outbox.lastPublished()).toBeUndefined();
    await store.write(() => store.outbox.markPublished(2));
    await store.write(() => store.outbox.markPublished(1));
    expect(waiting(store)).toEqual(["c"]);
    expect(store.outbox.lastPublished()).toMatchObject({ id: 2, data: { text: "b" } });
  });

  it("sends again from a time on, as far back as it keeps messages", async () => {
    const clock = handClock();
    const { store } = newStore({ clock });
    const start = clock.now();
    await add(store, "a");
    clock.advance(60_000);
    await add(store, "b", "c");
    await store.write(() => store.outbox.markPublished(3));
    await store.write(() => store.outbox.rewind(clock.now()));
    expect(waiting(store)).toEqual(["b", "c"]);
    await store.write(() => store.outbox.rewind(start));
    expect(waiting(store)).toEqual(["a", "b", "c"]);

    clock.advance(20 * 60_000);
    await add(store, "d");
    await store.write(() => store.outbox.markPublished(4));
    await store.write(() => store.outbox.rewind(start));
    expect(waiting(store)).toEqual(["d"]);
  });

  it("never forgets what is not published, however old", async () => {
    const clock = handClock();
    const { store } = newStore({ clock });
    await add(store, "a", "b");
    clock.advance(365 * 86_400_000);
    await store.write(() => store.outbox.markPublished(1));
    expect(waiting(store)).toEqual(["b"]);
  });

  it("is written to only inside store.write", () => {
    const { store } = newStore();
    expect(() => store.outbox.add({ subject: SUBJECT, type: "t", data: {} })).toThrow(/inside store.write/);
    expect(() => store.outbox.markPublished(1)).toThrow(/inside store.write/);
    expect(() => store.outbox.rewind(new Date())).toThrow(/inside store.write/);
  });
});
