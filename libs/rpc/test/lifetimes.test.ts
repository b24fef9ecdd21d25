import { once } from "node:events";
import { connect as tlsConnect } from "node:tls";
import { HealthDefinition, HealthCheckResponse_ServingStatus as Status } from "@vcc-pki/proto/health";
import { silentLogger } from "@vcc-pki/telemetry";
import { afterEach, describe, expect, it } from "vitest";
import { connect, createDenyList, type RpcServer, suiteId } from "../src/index.ts";
import { text } from "./echo.ts";
import { fakeClockFrom } from "./fake-clock.ts";
import { attempt } from "./tls-client.ts";
import { connectEcho, gateway, identities, SERVER, serveEcho } from "./transports.ts";

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

function client({ port }: RpcServer, identity = gateway) {
  const remote = connectEcho(port, identity);
  closers.push(remote.close);
  return remote;
}

/** A handler that waits to be released, and tells when it was reached. */
function gate() {
  const [reached, released] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  return {
    reached: reached.promise,
    release: released.resolve,
    onCall: () => {
      reached.resolve();
      return released.promise;
    },
  };
}

async function start(...args: Parameters<typeof serveEcho>): Promise<RpcServer> {
  const server = await serveEcho(...args);
  closers.push(() => server.close(0));
  return server;
}

/** A bidi call that stays open: `tell` sends a word, `hear` waits for an answer. */
function conversation(remote: ReturnType<typeof client>) {
  let wake = Promise.withResolvers<string | undefined>();
  const words = async function* () {
    for (let word = await wake.promise; word !== undefined; word = await wake.promise) {
      wake = Promise.withResolvers();
      yield text(word);
    }
  };
  const answers = remote.chat(words())[Symbol.asyncIterator]();
  return {
    tell: (word: string | undefined) => wake.resolve(word),
    hear: async () => (await answers.next()).value?.service as string | undefined,
  };
}

const codeOf = (call: Promise<unknown>): Promise<string> =>
  call.then(
    () => "OK",
    (error) => error.code,
  );

const asGateway = () => {
  const { keyPem, chainPem, trustPem } = gateway.current();
  return { key: keyPem, cert: chainPem, ca: trustPem };
};

describe("a renewed identity", () => {
  it("of the server is shown to new connections, while a call on an old one finishes", async () => {
    const identity = identities.forUri(SERVER);
    const before = Buffer.from(identity.certificate.der);
    const { reached, release, onCall } = gate();
    const server = await start({ identity }, { onCall });
    expect((await attempt(server.port, asGateway())).serverCertificateDer).toEqual(before);
    const remote = client(server);
    const inFlight = remote.say(text("hello"));
    await reached;

    identity.renew();
    const after = Buffer.from(identity.certificate.der);
    expect(after).not.toEqual(before);
    expect((await attempt(server.port, asGateway())).serverCertificateDer).toEqual(after);
    release();
    expect(await inFlight).toEqual(text("hello"));
    expect(await codeOf(remote.say(text("hello")))).toBe("OK");
    expect(await codeOf(client(server).say(text("hello")))).toBe("OK");
  });

  it("of the client is used for new calls, while those on the old connection finish", async () => {
    const identity = identities.forUri(suiteId("gateway"));
    const { serialHex, authorityKeyIdentifier = new Uint8Array() } = identity.certificate;
    const denyList = createDenyList();
    const server = await start({ denyList });
    const remote = client(server, identity);
    const stream = conversation(remote);
    stream.tell("one");
    expect(await stream.hear()).toBe("one");

    identity.renew();
    stream.tell("two");
    expect([await stream.hear(), await codeOf(remote.say(text("hello")))]).toEqual(["two", "OK"]);
    denyList.deny({ serialHex, issuerKeyId: Buffer.from(authorityKeyIdentifier).toString("hex") });
    expect(await codeOf(remote.say(text("hello")))).toBe("OK");
    expect(await codeOf(stream.hear())).toBe("CALLER_REVOKED");
  });
});

describe("a server that closes", () => {
  it("lets calls finish and takes no more", async () => {
    const { reached, release, onCall } = gate();
    const server = await serveEcho({}, { onCall });
    const remote = client(server);
    const inFlight = remote.say(text("hello"));
    await reached;
    const closing = server.close(30_000);
    expect(await codeOf(client(server).say(text("late")))).toBe("PEER_UNAVAILABLE");
    release();
    expect(await inFlight).toEqual(text("hello"));
    await closing;
  });

  it("lets a conversation come to its end, and sends a mere listener away", async () => {
    const server = await serveEcho();
    const remote = client(server);
    const stream = conversation(remote);
    stream.tell("one");
    expect(await stream.hear()).toBe("one");
    const endless = remote.count(text(""))[Symbol.asyncIterator]();
    await endless.next();

    const closing = server.close(30_000);
    expect(await stream.hear()).toBe(undefined);
    expect(await codeOf(Array.fromAsync({ [Symbol.asyncIterator]: () => endless }))).toBe("PEER_UNAVAILABLE");
    await closing;
  });

  it("cuts off what has not finished in time", async () => {
    const { reached, onCall } = gate();
    const server = await serveEcho({}, { onCall });
    const inFlight = codeOf(client(server).say(text("hello")));
    await reached;
    await server.close(50);
    expect(await inFlight).toBe("PEER_UNAVAILABLE");
  });
});

describe("nothing lives for ever", () => {
  it("a conversation is over at its age, and so is a subscription", async () => {
    const server = await start({ limits: { maxStreamAgeMs: 100 } });
    const remote = client(server);
    const stream = conversation(remote);
    stream.tell("one");
    expect([await stream.hear(), await stream.hear()]).toEqual(["one", undefined]);
    expect(await codeOf(Array.fromAsync(remote.count(text(""))))).toBe("PEER_UNAVAILABLE");
  });

  it("a conversation is over when the certificate expires", async () => {
    const clock = fakeClockFrom(new Date(gateway.certificate.notAfter.getTime() - 200));
    const stream = conversation(client(await start({ clock })));
    stream.tell("one");
    expect([await stream.hear(), await stream.hear()]).toEqual(["one", undefined]);
  });

  it("a connection is closed at its age, without a call noticing", async () => {
    const server = await start({ limits: { maxConnectionAgeMs: 50 } });
    const socket = tlsConnect({
      port: server.port,
      host: "127.0.0.1",
      ALPNProtocols: ["h2"],
      checkServerIdentity: () => undefined,
      ...asGateway(),
    });
    socket.resume().write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0");
    const remote = client(server);
    const codes = new Set<string>();
    let closed = false;
    const closing = once(socket, "close").then(() => {
      closed = true;
    });
    while (!closed) codes.add(await codeOf(remote.say(text("hello"))));
    await closing;
    expect([...codes]).toEqual(["OK"]);
  });
});

describe("grpc.health.v1", () => {
  it("tells suite services, and follows the server's state", async () => {
    const server = await start({ services: [] });
    const options = { address: `127.0.0.1:${server.port}`, expect: SERVER, log: silentLogger };
    const health = connect(HealthDefinition, { ...options, identity: gateway });
    const outsider = connect(HealthDefinition, {
      ...options,
      identity: identities.forUri("spiffe://vcc.internal/org/vcc/service/argus"),
    });
    closers.push(health.close, outsider.close);

    expect(await health.check({ service: "" })).toEqual({ status: Status.SERVING });
    expect(await codeOf(health.check({ service: "nothing" }))).toBe("NOT_FOUND");
    expect(await codeOf(outsider.check({ service: "" }))).toBe("CALLER_NOT_ALLOWED");
    const states = health.watch({ service: "" })[Symbol.asyncIterator]();
    expect((await states.next()).value).toEqual({ status: Status.SERVING });
    server.setServing(false);
    expect((await states.next()).value).toEqual({ status: Status.NOT_SERVING });
    await states.return?.();
  });
});
