import { describe, expect, it } from "vitest";
import { handClock, newStore } from "../test/harness.ts";

describe("inbox", () => {
  it("accepts a message once for each subscriber", async () => {
    const { store } = newStore();
    const accept = (subscriber: string, id: string) => store.write(() => store.inbox.accept(subscriber, id));
    expect(await accept("status", "m1")).toBe(true);
    expect(await accept("status", "m1")).toBe(false);
    expect(await accept("denials", "m1")).toBe(true);
    expect(store.inbox.has("status", "m1")).toBe(true);
    expect(store.inbox.has("status", "m2")).toBe(false);
  });

  it("forgets the message with the work that threw", async () => {
    const { store } = newStore();
    const failing = store.write(() => {
      store.inbox.accept("status", "m1");
      throw new Error("no");
    });
    await expect(failing).rejects.toThrow("no");
    expect(await store.write(() => store.inbox.accept("status", "m1"))).toBe(true);
  });

  it("forgets what is older than the bus can deliver again", async () => {
    const clock = handClock();
    const { store } = newStore({ clock });
    const accept = (id: string) => store.write(() => store.inbox.accept("status", id));
    await accept("old");
    clock.advance(20 * 86_400_000);
    await accept("younger");
    clock.advance(15 * 86_400_000);
    await Promise.all(Array.from({ length: 1_000 }, (_, index) => accept(`${index}`)));
    expect(store.inbox.has("status", "old")).toBe(false);
    expect(store.inbox.has("status", "younger")).toBe(true);
  });

  it("is written to only inside store.write", () => {
    expect(() => newStore().store.inbox.accept("status", "m1")).toThrow(/inside store.write/);
  });
});
