import { currentTraceId, startTelemetry, withSpan } from "@vcc-pki/telemetry";
import { describe, expect, it, vi } from "vitest";
import { newStore, storeOptions } from "../test/harness.ts";
import type { StoreFaults } from "./index.ts";

const reasonOf = (result: PromiseSettledResult<unknown> | undefined) =>
  result?.status === "rejected" ? result.reason : undefined;

describe("group commit", () => {
  it("gives each caller the value of its work", async () => {
    const { store, insert, texts } = newStore();
    const values = await Promise.all(["a", "b", "c"].map((text) => store.write(() => insert(text).changes + text)));
    expect(values).toEqual(["1a", "1b", "1c"]);
    expect(texts()).toEqual(["a", "b", "c"]);
  });

  it("makes one transaction of what is written in one turn", async () => {
    let commits = 0;
    const { store, insert } = newStore({ faults: { beforeCommit: () => void commits++ } });
    await Promise.all(Array.from({ length: 100 }, (_, index) => store.write(() => insert(`${index}`))));
    expect(commits).toBe(1);
    await Promise.all(Array.from({ length: 300 }, (_, index) => store.write(() => insert(`more ${index}`))));
    expect(commits).toBe(3);
  });

  it("gathers for a moment after a commit of several, and not after one alone", async () => {
    const turn = () => new Promise((resolve) => setImmediate(resolve));
    let commits = 0;
    const { store, insert } = newStore({ faults: { beforeCommit: () => void commits++ } });
    const write = (text: string) => store.write(() => insert(text));
    await write("alone");
    await write("alone again");
    expect(commits).toBe(2);
    await Promise.all(["a", "b", "c", "d"].map(write));
    expect(commits).toBe(3);

    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    try {
      const early = write("early");
      await turn();
      const late = write("late");
      await turn();
      expect(commits).toBe(3);
      vi.advanceTimersByTime(3);
      await Promise.all([early, late]);
      expect(commits).toBe(4);
    } finally {
      vi.useRealTimers();
    }
  });

  it("undoes the whole work of one caller that throws, and of no other", async () => {
    const { store, insert, texts } = newStore();
    const results = await Promise.allSettled([
      store.write(() => insert("a")),
      store.write(() => {
        insert("half done");
        throw new Error("changed my mind");
      }),
      store.write(() => insert("a")),
      store.write(() => insert("b")),
    ]);
    expect(results.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "rejected", "fulfilled"]);
    expect(reasonOf(results[1])).toEqual(new Error("changed my mind"));
    expect(reasonOf(results[2])).toMatchObject({ code: "SQLITE_CONSTRAINT_UNIQUE" });
    expect(texts()).toEqual(["a", "b"]);
  });

  it("rejects work that checks first alone, as long as it does", async () => {
    const { store, insert, texts } = newStore();
    const refuse = (): never => {
      throw new Error("no");
    };
    const believed = (work: () => unknown) => store.write(work, { checksFirst: true });
    const results = await Promise.allSettled([
      believed(() => insert("a")),
      believed(refuse),
      believed(() => insert("a")),
      store.write(() => insert("b") && refuse()),
      believed(() => insert("c")),
    ]);
    expect(results.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "rejected", "rejected", "fulfilled"]);
    expect(reasonOf(results[1])).toEqual(new Error("no"));
    expect(reasonOf(results[2])).toMatchObject({ code: "SQLITE_CONSTRAINT_UNIQUE" });
    expect(texts()).toEqual(["a", "c"]);
  });

  it("fails the commit when work that should check first does not, and undoes it alone from then on", async () => {
    const { store, insert, texts } = newStore();
    const attempt = () =>
      Promise.allSettled([
        store.write(() => insert("a"), { checksFirst: true }),
        store.write(
          () => {
            insert("half done");
            throw new Error("changed my mind");
          },
          { checksFirst: true },
        ),
        store.write(() => insert("b")),
      ]);
    const failed = await attempt();
    expect(failed.map((result) => reasonOf(result).code)).toEqual(Array(3).fill("STORE_UNAVAILABLE"));
    expect(texts()).toEqual([]);
    const results = await attempt();
    expect(results.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
    expect(reasonOf(results[1])).toEqual(new Error("changed my mind"));
    expect(texts()).toEqual(["a", "b"]);
  });

  it("lets later work see what earlier work in the same commit wrote", async () => {
    const { store, insert, texts } = newStore();
    const [, seen] = await Promise.all([store.write(() => insert("a")), store.write(() => texts())]);
    expect(seen).toEqual(["a"]);
  });

  it("failed and not stored: everyone in the commit is told, nothing is there, and the next commit works", async () => {
    const faults: StoreFaults = {};
    const { store, tell, texts } = newStore({ faults });
    await store.write(() => tell("before"));
    faults.beforeCommit = () => {
      throw new Error("disk on fire");
    };
    const results = await Promise.allSettled(["a", "b"].map((text) => store.write(() => tell(text))));
    expect(results.map((result) => reasonOf(result).code)).toEqual(["STORE_UNAVAILABLE", "STORE_UNAVAILABLE"]);
    faults.beforeCommit = undefined;
    await store.write(() => tell("after"));
    expect(texts()).toEqual(["before", "after"]);
    expect(store.audit.verify().sequence).toBe(2);
    expect(store.outbox.pending(10)).toHaveLength(2);
  });

  it("failed but stored: everyone in the commit is told, and everything is there", async () => {
    const faults: StoreFaults = {
      afterCommit() {
        throw new Error("lost the answer");
      },
    };
    const { store, tell, texts } = newStore({ faults });
    await expect(store.write(() => tell("a"))).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
    expect(texts()).toEqual(["a"]);
    expect(store.audit.verify().sequence).toBe(1);
    expect(store.outbox.pending(10)).toHaveLength(1);
  });

  it.each(["sqlcipher", "aegis"] as const)(
    "tells everyone in the commit when the disk is full (%s)",
    async (cipher) => {
      const { store, tell, texts, insert } = newStore(storeOptions({ cipher }));
      await store.write(() => tell("before"));
      const pages = store.db.pragma("page_count", { simple: true });
      store.db.pragma(`max_page_count = ${pages}`);
      const results = await Promise.allSettled([
        store.write(() => insert("small")),
        store.write(() => insert("x".repeat(100_000))),
        store.write(() => insert("small too")),
      ]);
      expect(results.map((result) => reasonOf(result)?.code)).toEqual(Array(3).fill("STORE_UNAVAILABLE"));
      store.db.pragma("max_page_count = 1000000");
      await store.write(() => tell("after"));
      expect(texts()).toEqual(["before", "after"]);
      expect(store.audit.verify().sequence).toBe(2);
    },
  );

  it("tells everyone when the database has become read-only", async () => {
    const { store, insert } = newStore();
    store.db.pragma("query_only = ON");
    await expect(store.write(() => insert("a"))).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
  });

  it("tells everyone in the commit when the disk fails under the work of one", async () => {
    const { store, insert, texts } = newStore();
    const failing = () => {
      store.db.pragma("query_only = ON");
      insert("b");
    };
    const results = await Promise.allSettled([store.write(() => insert("a")), store.write(failing)]);
    expect(results.map((result) => reasonOf(result)?.code)).toEqual(["STORE_UNAVAILABLE", "STORE_UNAVAILABLE"]);
    store.db.pragma("query_only = OFF");
    await store.write(() => insert("c"));
    expect(texts()).toEqual(["c"]);
  });

  it("refuses work that returns a promise, and undoes it", async () => {
    const { store, insert, texts } = newStore();
    const work = async () => insert("too early");
    await expect(store.write(work)).rejects.toThrow(/must be synchronous/);
    expect(texts()).toEqual([]);
  });

  it("refuses a write inside a write", async () => {
    const { store, insert, texts } = newStore();
    const nested = store.write(() => {
      insert("outer");
      void store.write(() => insert("inner"));
    });
    await expect(nested).rejects.toThrow(/inside/);
    expect(texts()).toEqual([]);
  });

  it("lets work use savepoints of its own", async () => {
    const { store, insert, texts } = newStore();
    await store.write(() => store.db.transaction(() => insert("a"))());
    expect(texts()).toEqual(["a"]);
  });

  it("runs each work in the trace of its caller", async () => {
    const { store } = newStore();
    const { tracer } = startTelemetry({ service: "test" });
    const inSpan = (name: string) =>
      withSpan(tracer, name, {}, async (span) => [span.spanContext().traceId, await store.write(currentTraceId)]);
    const [[mine, seen], nothing, [other, seenToo]] = await Promise.all([
      inSpan("one"),
      store.write(currentTraceId),
      inSpan("two"),
    ]);
    expect([seen, nothing, seenToo]).toEqual([mine, undefined, other]);
    expect(mine).not.toBe(other);
  });

  it("finishes what is queued when it is closed, and refuses the rest", async () => {
    const options = storeOptions();
    const { store, insert } = newStore(options);
    const queued = Array.from({ length: 300 }, (_, index) => store.write(() => insert(`${index}`)));
    const closed = store.close();
    await expect(store.write(() => insert("late"))).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
    await Promise.all(queued);
    await closed;
    expect(newStore(options).texts()).toHaveLength(300);
  });
});
