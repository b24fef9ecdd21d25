import { setTimeout as sleep } from "node:timers/promises";
import { PkiError } from "@vcc-pki/errors";
import {
  SigningServiceDefinition,
  type SignRequest,
  type SignStreamRequest_Item,
  type SignStreamResponse_Item,
} from "@vcc-pki/proto/hsm";
import { connectInProcess, implement } from "@vcc-pki/rpc";
import { silentLogger } from "@vcc-pki/telemetry";
import { type Clock, systemClock } from "@vcc-pki/time";
import { afterEach, describe, expect, it } from "vitest";
import { openSigningChannel, remoteSigner, type SigningChannel } from "../src/index.ts";

/** An hsm-gateway whose signature is the request id, and whose stream does what the test says. */
function smallGateway() {
  const gateway = {
    messages: [] as number[],
    requesters: [] as string[],
    streams: 0,
    unary: 0,
    /** What happens to a message of items: normally, they are answered. */
    answer: async (items: readonly SignStreamRequest_Item[]): Promise<SignStreamResponse_Item[] | "end"> =>
      items.map(answered),
  };
  const implementation = implement(
    SigningServiceDefinition,
    {
      async sign({ requestId }, { requester }) {
        gateway.unary++;
        gateway.requesters.push(requester.uri);
        return { signature: Buffer.from(requestId) };
      },
      async *signStream(requests) {
        gateway.streams++;
        for await (const { items } of requests) {
          gateway.messages.push(items.length);
          gateway.requesters.push(...items.map(({ requester }) => requester));
          const answers = await gateway.answer(items);
          if (answers === "end") return;
          yield { items: answers };
        }
      },
    },
    { sign: ["any-suite"], signStream: ["any-suite"] },
  );
  const remote = connectInProcess(implementation, SigningServiceDefinition, { caller: "ca", clock: systemClock });
  return { gateway, remote };
}

const answered = ({ id, request }: SignStreamRequest_Item): SignStreamResponse_Item => ({
  id,
  outcome: { $case: "response", value: { signature: Buffer.from(request?.requestId ?? "") } },
});

const request = (requestId: string): SignRequest => ({
  ...{ requestId, organisation: "brandenburg", keyId: "00", signatureAlgorithm: "ed25519" },
  payload: { $case: "dssePae", value: Buffer.from("x") },
});

let channel: SigningChannel;
afterEach(() => channel.close());

function open(options: { deadlineMs?: number; clock?: Clock } = {}) {
  const { gateway, remote } = smallGateway();
  const { deadlineMs = 5_000, clock = systemClock } = options;
  channel = openSigningChannel(remote, { log: silentLogger, clock, deadlineMs });
  const sign = async (id: string) => Buffer.from(await channel.sign(request(id))).toString();
  return { gateway, sign };
}

const many = (count: number) => Array.from({ length: count }, (_, i) => `r-${i}`);

describe("the signing channel", () => {
  it("sends what is asked for in one turn together, at most 64 to a message, and keeps answers apart", async () => {
    const { gateway, sign } = open();
    expect(await Promise.all(many(150).map(sign))).toEqual(many(150));
    expect(gateway.messages).toEqual([64, 64, 22]);
    expect(gateway).toMatchObject({ streams: 1, unary: 0 });
  });

  it("takes answers in any order and in other messages than it asked", async () => {
    const { gateway, sign } = open();
    const held: SignStreamRequest_Item[] = [];
    gateway.answer = async (items) => {
      held.push(...items);
      return held.length < 3 ? [] : held.toReversed().map(answered);
    };
    const answers = [sign("a")];
    await sleep(5);
    answers.push(sign("b"), sign("c"));
    expect(await Promise.all(answers)).toEqual(["a", "b", "c"]);
  });

  it("rebuilds the gateway's refusal with code and details", async () => {
    const { gateway, sign } = open();
    gateway.answer = async (items) =>
      items.map(({ id }) => ({
        id,
        outcome: { $case: "failure", value: { code: "APPROVAL_REQUIRED", message: "m", details: { approvalId: "7" } } },
      }));
    await expect(sign("a")).rejects.toMatchObject({
      code: "APPROVAL_REQUIRED",
      message: "m",
      details: { approvalId: "7" },
    });
    gateway.answer = async (items) =>
      items.map(({ id }) => ({ id, outcome: { $case: "failure", value: { code: "NEW", message: "", details: {} } } }));
    await expect(sign("b")).rejects.toMatchObject({ code: "INTERNAL" });
  });

  it("names the requester, as text or as identity", async () => {
    const { gateway } = open();
    const uri = "spiffe://vcc.internal/org/vcc/admin/operator";
    await channel.sign(request("a"), { requester: uri });
    await channel.sign(request("b"), { requester: { uri, kind: "admin", organisation: "vcc", id: "operator" } });
    await channel.sign(request("c"));
    expect(gateway.requesters).toEqual([uri, uri, ""]);
  });

  it("gives each request its own deadline, and ignores an answer that comes too late", async () => {
    const { gateway, sign } = open({ deadlineMs: 300 });
    const held: SignStreamRequest_Item[] = [];
    gateway.answer = async (items) => {
      held.push(...items);
      return items[0]?.request?.requestId === "slow" ? [] : held.map(answered);
    };
    await expect(sign("slow")).rejects.toMatchObject({ code: "DEADLINE_EXCEEDED" });
    expect(await sign("next")).toBe("next");
  });

  it("leaves what was in flight undecided when the stream breaks, and goes on by unary calls", async () => {
    let now = 0;
    const { gateway, sign } = open({ clock: { now: () => new Date(0), monotonicMs: () => now } });
    gateway.answer = async () => {
      throw new PkiError("PEER_UNAVAILABLE", "gone");
    };
    for (const answer of await Promise.allSettled(many(3).map(sign))) {
      expect(answer).toMatchObject({ status: "rejected", reason: { code: "HSM_UNAVAILABLE" } });
    }
    gateway.answer = async (items) => items.map(answered);
    expect(await Promise.all(many(3).map(sign))).toEqual(many(3));
    expect(gateway).toMatchObject({ streams: 1, unary: 3 });

    now = 10_000;
    expect(await Promise.all(many(3).map(sign))).toEqual(many(3));
    expect(gateway).toMatchObject({ streams: 2, unary: 3 });
  });

  it("sends again what crossed the end of a stream that ended in good order", async () => {
    const { gateway, sign } = open();
    let ended = false;
    gateway.answer = async (items) => {
      if (ended) return items.map(answered);
      ended = true;
      return "end";
    };
    expect(await Promise.all(many(5).map(sign))).toEqual(many(5));
    expect(gateway).toMatchObject({ streams: 2, unary: 0 });
  });

  it("lets what is in flight finish when it is closed, and takes nothing more", async () => {
    const { gateway, sign } = open();
    gateway.answer = async (items) => {
      await sleep(20);
      return items.map(answered);
    };
    const answer = sign("a");
    const closed = channel.close();
    await expect(sign("b")).rejects.toMatchObject({ code: "PEER_UNAVAILABLE" });
    expect(await answer).toBe("a");
    await closed;
  });

  it("comes from a caller that may not sign: says so", async () => {
    const { remote } = smallGateway();
    const refusing = { ...remote, signStream: () => refusedStream() };
    channel = openSigningChannel(refusing, { log: silentLogger, clock: systemClock, deadlineMs: 1_000 });
    await expect(channel.sign(request("a"))).rejects.toMatchObject({ code: "CALLER_NOT_ALLOWED" });
  });

  it("is the way of every key: a signer only adds what is its own", async () => {
    open();
    const asked: SignRequest[] = [];
    const through: SigningChannel = {
      close: async () => {},
      sign: async (each) => {
        asked.push(each);
        return new Uint8Array();
      },
    };
    const key = { organisation: "o", keyId: "k", spkiDer: new Uint8Array(), algorithm: "ed25519" } as const;
    const payload = { $case: "dssePae", value: Buffer.from("x") } as const;
    await remoteSigner(through, key).sign(payload, "r-1");
    expect(asked).toEqual([
      { requestId: "r-1", organisation: "o", keyId: "k", signatureAlgorithm: "ed25519", payload },
    ]);
  });
});

// biome-ignore lint/correctness/useYield: a stream that is refused before its first answer
async function* refusedStream(): AsyncGenerator<{ items: SignStreamResponse_Item[] }> {
  throw new PkiError("CALLER_NOT_ALLOWED", "no");
}
