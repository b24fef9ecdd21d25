import { createSecureServer } from "node:http2";
import type { AddressInfo } from "node:net";
import type { ConnectionOptions } from "node:tls";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type RpcServer, suiteId } from "../src/index.ts";
import { text } from "./echo.ts";
import { attempt } from "./tls-client.ts";
import { connectEcho, gateway, identities, SERVER, serveEcho } from "./transports.ts";

const trusting = { ca: identities.trustPem };

function asGateway(): ConnectionOptions {
  const { keyPem, chainPem } = gateway.current();
  return { ...trusting, key: keyPem, cert: chainPem };
}

/** The hole that is closed: what a server with Node's defaults does. Without it, the tests below could not fail. */
async function withDefaultServer<T>(use: (port: number) => Promise<T>): Promise<T> {
  const { keyPem, chainPem, trustPem } = identities.forUri(SERVER).current();
  const tls = { key: keyPem, cert: chainPem, ca: trustPem, requestCert: true, rejectUnauthorized: true };
  const server = createSecureServer(tls).on("sessionError", () => {});
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    return await use((server.address() as AddressInfo).port);
  } finally {
    server.close();
  }
}

/** Connects with a certificate, then again without one but with the session, if there was one. */
async function resumeWithoutCertificate(port: number, hasTickets: boolean) {
  const first = await attempt(port, asGateway(), hasTickets);
  return { first, second: await attempt(port, { ...trusting, session: first.session }) };
}

describe("the door", () => {
  const serverIdentity = identities.forUri(SERVER);
  let server: RpcServer;
  beforeEach(async () => {
    server = await serveEcho({ identity: serverIdentity });
  });
  afterEach(() => server.close(0));

  it("is opened to a certificate of ours, over TLS 1.3", async () => {
    expect(await attempt(server.port, asGateway())).toMatchObject({ accepted: true, protocol: "TLSv1.3" });
  });

  it("stays shut without a certificate", async () => {
    expect((await attempt(server.port, trusting)).accepted).toBe(false);
  });

  it("stays shut to TLS 1.2, which Node would speak", async () => {
    const old = { ...asGateway(), maxVersion: "TLSv1.2" } as const;
    expect((await withDefaultServer((port) => attempt(port, old))).protocol).toBe("TLSv1.2");
    expect((await attempt(server.port, old)).accepted).toBe(false);
  });

  it("stays shut to a client that resumes a session and shows no certificate, to whom Node would open", async () => {
    const byDefault = await withDefaultServer((port) => resumeWithoutCertificate(port, true));
    expect(byDefault.second).toMatchObject({ accepted: true, reused: true });
    const { first, second } = await resumeWithoutCertificate(server.port, false);
    expect(first.accepted).toBe(true);
    expect(second.accepted).toBe(false);
  });

  it("stays as shut after the identity was renewed", async () => {
    serverIdentity.renew();
    const { first, second } = await resumeWithoutCertificate(server.port, false);
    expect(first).toMatchObject({ accepted: true, protocol: "TLSv1.3" });
    expect(second.accepted).toBe(false);
    expect((await attempt(server.port, trusting)).accepted).toBe(false);
    expect((await attempt(server.port, { ...asGateway(), maxVersion: "TLSv1.2" })).accepted).toBe(false);
  });

  it.each([
    ["expired", { notAfter: new Date(Date.now() - 60_000) }],
    ["not yet valid", { notBefore: new Date(Date.now() + 600_000) }],
    ["for servers only", { ekus: ["1.3.6.1.5.5.7.3.1"] }],
  ])("stays shut to a certificate that is %s", async (_, options) => {
    const { keyPem, chainPem } = identities.forUri(suiteId("gateway"), options).current();
    expect((await attempt(server.port, { ...trusting, key: keyPem, cert: chainPem })).accepted).toBe(false);
  });

  it("stays shut to a foreign CA", async () => {
    const { keyPem, chainPem } = identities.foreign.forUri(suiteId("gateway")).current();
    expect((await attempt(server.port, { ...trusting, key: keyPem, cert: chainPem })).accepted).toBe(false);
  });
});

describe("a client", () => {
  const refused = async (identity: ReturnType<typeof identities.forUri>, expected = SERVER) => {
    const server = await serveEcho({ identity });
    const remote = connectEcho(server.port, gateway, expected);
    try {
      return await remote.say(text("hello")).then(
        () => "answered",
        (error) => error.code,
      );
    } finally {
      remote.close();
      await server.close(0);
    }
  };

  it("talks to the server it expects", async () => {
    expect(await refused(identities.forUri(SERVER))).toBe("answered");
  });

  it.each([
    ["another service of the suite", identities.forUri(suiteId("tsa"))],
    ["the right name from a foreign CA", identities.foreign.forUri(SERVER)],
    ["an expired certificate", identities.forUri(SERVER, { notAfter: new Date(Date.now() - 60_000) })],
    ["a certificate for clients only", identities.forUri(SERVER, { ekus: ["1.3.6.1.5.5.7.3.2"] })],
    ["a certificate without a key purpose", identities.forUri(SERVER, { ekus: [] })],
    ["two URIs, one of them right", identities.forUri(SERVER, { uris: [SERVER, suiteId("tsa")] })],
    ["the right host name and no URI", identities.forUri(SERVER, { uris: [], dns: ["localhost"], ip: ["127.0.0.1"] })],
  ])("does not talk to %s", async (_, identity) => {
    expect(await refused(identity)).toBe("PEER_UNAVAILABLE");
  });
});
