import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, it, vi } from "vitest";
import { type CallContext, type Remote, suiteId } from "../src/index.ts";
import { type EchoDefinition, type EchoOptions, text } from "./echo.ts";
import { TRANSPORTS } from "./transports.ts";

const OPERATOR = "spiffe://vcc.internal/org/vcc/admin/operator";

async function* words(...all: string[]) {
  for (const word of all) yield text(word);
}

async function texts(answers: AsyncIterable<{ service: string }>): Promise<string[]> {
  return (await Array.fromAsync(answers)).map(({ service }) => service);
}

describe.each(Object.entries(TRANSPORTS))("a call %s", (_, open) => {
  let close: (() => Promise<void>) | undefined;
  const start = async (echo?: EchoOptions): Promise<Remote<typeof EchoDefinition>> => {
    const opened = await open(echo);
    close = opened.close;
    return opened.remote;
  };
  afterEach(() => close?.());

  it("is answered, in each of the four shapes", async () => {
    const remote = await start();
    expect(await remote.say(text("Grüße"))).toEqual(text("Grüße"));
    expect(await remote.join(words("a", "b", "c"))).toEqual(text("a b c"));
    expect(await texts(remote.count(text("3")))).toEqual(["1", "2", "3"]);
    expect(await texts(remote.chat(words("x", "y")))).toEqual(["x", "y"]);
    expect(await texts(remote.chat(words()))).toEqual([]);
  });

  it("fails with the PkiError that the handler threw", async () => {
    const remote = await start();
    await expect(remote.say(text("fail"))).rejects.toMatchObject({
      name: "PkiError",
      code: "NOT_FOUND",
      message: "nichts da: ä→€",
      details: { what: "Zürich ☃" },
    });
    const answers = remote.chat(words("first", "fail", "never"));
    expect((await answers[Symbol.asyncIterator]().next()).value).toEqual(text("first"));
    await expect(texts(answers)).rejects.toMatchObject({ code: "HSM_UNAVAILABLE" });
  });

  it("fails with INTERNAL for any other error, whose text stays inside", async () => {
    const remote = await start();
    const error = await remote.say(text("crash")).catch((thrown) => thrown);
    expect(error.code).toBe("INTERNAL");
    expect(JSON.stringify([error.message, error.details])).not.toContain("1234");
  });

  it("is refused to those who may not call", async () => {
    const remote = await start();
    await expect(remote.secret(text(""))).rejects.toMatchObject({ code: "CALLER_NOT_ALLOWED" });
  });

  it("tells the handler who calls, for whom, and until when", async () => {
    const contexts: CallContext[] = [];
    const remote = await start({ onCall: (context) => void contexts.push(context) });
    await remote.say(text(""), { deadlineMs: 30_000 });
    await remote.say(text(""), { requester: OPERATOR });
    const [own, forwarded] = contexts;
    expect([own?.caller.uri, own?.requester.uri]).toEqual([suiteId("gateway"), suiteId("gateway")]);
    expect([forwarded?.caller.uri, forwarded?.requester.uri]).toEqual([suiteId("gateway"), OPERATOR]);
    const remainingMs = (own?.deadline.getTime() ?? 0) - Date.now();
    expect(remainingMs).toBeGreaterThan(10_000);
    expect(remainingMs).toBeLessThanOrEqual(30_000);
  });

  it("is refused for a requester that is no identity", async () => {
    const remote = await start();
    await expect(remote.say(text(""), { requester: "someone" })).rejects.toMatchObject({ code: "NAME_MALFORMED" });
  });

  it("fails when its deadline passes, and the handler is told", async () => {
    const contexts: CallContext[] = [];
    const remote = await start({ onCall: (context) => void contexts.push(context) });
    await expect(remote.say(text("sleep"), { deadlineMs: 50 })).rejects.toMatchObject({ code: "DEADLINE_EXCEEDED" });
    await vi.waitFor(() => expect(contexts[0]?.signal.aborted).toBe(true));
  });

  it("fails with the signal's reason when it is cancelled, and the handler is told", async () => {
    const contexts: CallContext[] = [];
    const remote = await start({ onCall: (context) => void contexts.push(context) });
    const cancel = new AbortController();
    const call = remote.say(text("sleep"), { signal: cancel.signal });
    await vi.waitFor(() => expect(contexts).toHaveLength(1));
    cancel.abort(new Error("never mind"));
    await expect(call).rejects.toThrow("never mind");
    const signal = contexts[0]?.signal as AbortSignal;
    if (!signal.aborted) await once(signal, "abort");
    await expect(remote.say(text(""), { signal: cancel.signal })).rejects.toThrow("never mind");
  });

  it("cancels a stream whose reader has left", async () => {
    const contexts: CallContext[] = [];
    const remote = await start({ onCall: (context) => void contexts.push(context) });
    for await (const { service } of remote.count(text(""))) if (service === "3") break;
    await vi.waitFor(() => expect(contexts[0]?.signal.aborted).toBe(true));
  });

  it("fails when its own requests do", async () => {
    const remote = await start();
    const broken = async function* () {
      yield text("a");
      throw new Error("no more");
    };
    await expect(texts(remote.chat(broken()))).rejects.toThrow("no more");
  });

  it("holds back a server whose client does not read", async () => {
    let produced = 0;
    const remote = await start({
      onCount: (i) => {
        produced = i;
      },
    });
    const answers = remote.count(text("100000"))[Symbol.asyncIterator]();
    await answers.next();
    await sleep(300);
    expect(produced).toBeLessThan(50_000);
    for (let i = 2; i <= 1_000; i++) expect((await answers.next()).value).toEqual(text(`${i}`));
    await answers.return?.();
  });

  it("holds back a client whose server does not read", async () => {
    const remote = await start();
    let sent = 0;
    const flood = async function* () {
      for (; sent < 20_000; sent++) yield text("x".repeat(1_000));
    };
    const answers = remote.chat(flood())[Symbol.asyncIterator]();
    await sleep(300);
    expect(sent).toBeLessThan(15_000); // nobody reads the answers, so nobody asks for more
    let received = 0;
    while (!(await answers.next()).done) received++;
    expect(received).toBe(20_000);
  });

  it("passes on what is left of its deadline to the calls its handler makes, until it is answered", async () => {
    const deadlines: Record<"outer" | "inner" | "later", number> = { outer: 0, inner: 0, later: 0 };
    let next: keyof typeof deadlines = "inner";
    const inner = await TRANSPORTS["in the same process"]?.({
      onCall: ({ deadline }) => {
        deadlines[next] = deadline.getTime();
      },
    });
    let later: Promise<unknown> = Promise.resolve();
    const remote = await start({
      onCall: async ({ deadline }) => {
        deadlines.outer = deadline.getTime();
        await inner?.remote.say(text(""), { deadlineMs: 40_000 });
        next = "later";
        later = sleep(50).then(() => inner?.remote.say(text(""), { deadlineMs: 40_000 }));
      },
    });
    await remote.say(text(""), { deadlineMs: 5_000 });
    await later;
    expect(deadlines.inner).toBeLessThan(deadlines.outer + 1_000);
    expect(deadlines.later).toBeGreaterThan(deadlines.outer + 10_000);
  });
});
