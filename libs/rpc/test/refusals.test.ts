import { afterEach, describe, expect, it } from "vitest";
import { createDenyList, type Refusal, type RpcServer, type ServeOptions, suiteId } from "../src/index.ts";
import { type EchoOptions, text } from "./echo.ts";
import { fakeClockFrom } from "./fake-clock.ts";
import type { TestIdentity } from "./identities.ts";
import { rawClient } from "./raw-client.ts";
import { connectEcho, gateway, identities, serveEcho } from "./transports.ts";

const SAY = "/test.v1.Echo/Say";
const OPERATOR = "spiffe://vcc.internal/org/vcc/admin/operator";

/** Field 1 of the echo's message. */
const said = (words: string): Buffer => Buffer.concat([Buffer.from([0x0a, words.length]), Buffer.from(words)]);

const refusals: Refusal[] = [];
const calls: string[] = [];
const closers: (() => unknown)[] = [];
afterEach(async () => {
  refusals.length = 0;
  calls.length = 0;
  for (const close of closers.splice(0).reverse()) await close();
});

async function start(options: Partial<ServeOptions> = {}, echo: EchoOptions = {}): Promise<RpcServer> {
  const onRefused = (refusal: Refusal) => void refusals.push(refusal);
  const onCall = () => void calls.push("call");
  const server = await serveEcho({ onRefused, ...options }, { onCall, ...echo });
  closers.push(() => server.close(0));
  return server;
}

function as(identity: TestIdentity, { port }: RpcServer) {
  const remote = connectEcho(port, identity);
  closers.push(remote.close);
  return remote;
}

function raw(server: RpcServer, identity = gateway) {
  const client = rawClient(server.port, identity);
  closers.push(client.close);
  return client;
}

const codeOf = (call: Promise<unknown>): Promise<string> =>
  call.then(
    () => "OK",
    (error) => error.code,
  );

describe("a caller", () => {
  it.each([
    ["another service of the suite", identities.forUri(suiteId("tsa")), suiteId("tsa"), "CALLER_NOT_ALLOWED"],
    [
      "a workload that is called like a service",
      identities.forUri("spiffe://vcc.internal/org/vcc/service/gateway"),
      "spiffe://vcc.internal/org/vcc/service/gateway",
      "CALLER_NOT_ALLOWED",
    ],
    ["a person", identities.forUri(OPERATOR), OPERATOR, "CALLER_NOT_ALLOWED"],
    [
      "somebody with two URIs",
      identities.forUri("", { uris: [suiteId("gateway"), suiteId("tsa")] }),
      undefined,
      "CALLER_UNAUTHENTICATED",
    ],
    [
      "somebody with the same URI twice",
      identities.forUri("", { uris: [suiteId("gateway"), suiteId("gateway")] }),
      undefined,
      "CALLER_UNAUTHENTICATED",
    ],
    [
      "somebody without a URI",
      identities.forUri("", { uris: [], dns: ["gateway"] }),
      undefined,
      "CALLER_UNAUTHENTICATED",
    ],
    [
      "somebody without a key purpose",
      identities.forUri(suiteId("gateway"), { ekus: [] }),
      undefined,
      "CALLER_UNAUTHENTICATED",
    ],
    [
      "somebody of another trust domain",
      identities.forUri("spiffe://vcc.example/pki/gateway"),
      undefined,
      "CALLER_UNAUTHENTICATED",
    ],
    [
      "somebody whose URI is no SPIFFE ID",
      identities.forUri("https://vcc.internal/pki/gateway"),
      undefined,
      "CALLER_UNAUTHENTICATED",
    ],
  ])("is refused who is %s", async (_, identity, caller, code) => {
    const server = await start({}, { callers: ["gateway"] });
    expect(await codeOf(as(identity, server).say(text("hello")))).toBe(code);
    expect(refusals).toEqual([{ method: SAY, caller, code }]);
    expect(calls).toEqual([]);
  });

  it("is told apart from others at the same time", async () => {
    const server = await start({}, { callers: ["gateway"] });
    const [good, bad] = [as(gateway, server), as(identities.forUri(suiteId("tsa")), server)];
    const codes = await Promise.all([good, bad, good, bad].map((remote) => codeOf(remote.say(text("hello")))));
    expect(codes).toEqual(["OK", "CALLER_NOT_ALLOWED", "OK", "CALLER_NOT_ALLOWED"]);
  });

  it("is refused when the certificate expires on an open connection", async () => {
    const clock = fakeClockFrom(new Date());
    const server = await start({ clock });
    const remote = as(gateway, server);
    expect(await codeOf(remote.say(text("hello")))).toBe("OK");
    clock.advance(24 * 3_600_000);
    expect(await codeOf(remote.say(text("hello")))).toBe("CALLER_UNAUTHENTICATED");
    clock.advance(-48 * 3_600_000);
    expect(await codeOf(remote.say(text("hello")))).toBe("CALLER_UNAUTHENTICATED");
  });

  it("is refused when the certificate is revoked on an open connection, and so are its streams", async () => {
    const denyList = createDenyList();
    const server = await start({ denyList });
    const [revoked, other] = [identities.forUri(suiteId("tsa")), as(gateway, server)];
    const remote = as(revoked, server);
    const endless = remote.count(text(""))[Symbol.asyncIterator]();
    expect((await endless.next()).value).toEqual(text("1"));

    const { serialHex, authorityKeyIdentifier = new Uint8Array() } = revoked.certificate;
    denyList.deny({ serialHex, issuerKeyId: Buffer.from(authorityKeyIdentifier).toString("hex") });
    expect(await codeOf(remote.say(text("hello")))).toBe("CALLER_REVOKED");
    expect(await codeOf(Array.fromAsync({ [Symbol.asyncIterator]: () => endless }))).toBe("CALLER_REVOKED");
    expect(await codeOf(other.say(text("hello")))).toBe("OK");
    expect(await raw(server, revoked).call("/test.v1.Echo/Nothing", said("x"))).toMatchObject({
      code: "CALLER_REVOKED",
    });
  });

  it("is refused who speaks for another and may not", async () => {
    const server = await start();
    const tsa = as(identities.forUri(suiteId("tsa")), server);
    expect(await codeOf(tsa.say(text("hello"), { requester: OPERATOR }))).toBe("CALLER_NOT_ALLOWED");
    const impostor = as(
      identities.forUri("spiffe://vcc.internal/org/vcc/service/gateway"),
      await start({}, { callers: ["anyone"] }),
    );
    expect(await codeOf(impostor.say(text("hello"), { requester: OPERATOR }))).toBe("CALLER_NOT_ALLOWED");
    expect(await codeOf(impostor.say(text("hello")))).toBe("OK");
  });
});

describe("a request", () => {
  it("is refused for an unknown method or service, once the caller is known", async () => {
    const client = raw(await start());
    for (const method of [
      "/test.v1.Echo/Nothing",
      "/test.v1.Nothing/Say",
      "/",
      "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
    ]) {
      expect(await client.call(method, said("x"))).toEqual({ status: 12, code: "METHOD_UNKNOWN" });
      expect(refusals.at(-1)).toEqual({ method, caller: suiteId("gateway"), code: "METHOD_UNKNOWN" });
    }
  });

  it.each([
    ["is cut short", Buffer.from([0x0a, 0x05, 0x61])],
    ["has a wire type that does not exist", Buffer.from([0x0f, 0x01])],
    ["has a group without an end", Buffer.from([0x13, 0x13, 0x13])],
    ["has a length beyond all bounds", Buffer.from([0x0a, 0xff, 0xff, 0xff, 0xff, 0x7f])],
  ])("is malformed that %s", async (_, bytes) => {
    expect(await raw(await start()).call(SAY, bytes)).toEqual({ status: 3, code: "REQUEST_MALFORMED" });
    expect([refusals.length, calls.length]).toEqual([1, 0]);
  });

  it("is too large above the limit", async () => {
    const server = await start({ limits: { maxReceiveBytes: 1_000 } });
    const remote = as(gateway, server);
    expect(await codeOf(remote.say(text("x".repeat(900))))).toBe("OK");
    expect(await codeOf(remote.say(text("x".repeat(1_100))))).toBe("REQUEST_TOO_LARGE");
  });

  it("is refused with more metadata than allowed, or two requesters", async () => {
    const server = await start();
    expect(await raw(server).call(SAY, said("x"), [["x-more", "y".repeat(8_000)]])).toMatchObject({ code: "OK" });
    expect((await raw(server).call(SAY, said("x"), [["x-more", "y".repeat(20_000)]])).status).not.toBe(0);
    const two = ["x-pki-requester", OPERATOR] as const;
    expect(await raw(server).call(SAY, said("x"), [two, two])).toMatchObject({
      code: expect.stringMatching(/MALFORMED/),
    });
    expect(calls).toHaveLength(1);
  });

  it("without a deadline gets one", async () => {
    const server = await start({ limits: { maxCallMs: 100 } });
    expect(await raw(server).call(SAY, said("sleep"))).toMatchObject({ code: "DEADLINE_EXCEEDED" });
  });
});
