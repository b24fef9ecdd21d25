import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { HealthDefinition } from "@vcc-pki/proto/health";
import type { RevokedPeer } from "@vcc-pki/proto/ocsp";
import { connect, suiteId } from "@vcc-pki/rpc";
import { type Logger, silentLogger } from "@vcc-pki/telemetry";
import { type FakeClock, fakeClock } from "@vcc-pki/testkit/clock";
import { createTestIdentities, type TestIdentity } from "@vcc-pki/testkit/identity";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { BaseConfig, defineService, type ServiceContext, startService, writeIdentity } from "../src/index.ts";
import { freePort } from "./free-port.ts";
import { peerOf, SmallOcsp } from "./small-ocsp.ts";

const identities = createTestIdentities();
const atOcsp = identities.forUri(suiteId("ocsp"));
const lines: { message: string; fields?: Readonly<Record<string, unknown>> }[] = [];
const log: Logger = {
  ...silentLogger,
  info: (message, fields) => void lines.push({ message, fields }),
  warn: (message, fields) => void lines.push({ message, fields }),
};
const logged = (message: string) => lines.filter((line) => line.message === message).length;

const closers: (() => unknown)[] = [];
let ocsp: SmallOcsp;
let ocspPort: number;
beforeEach(async () => {
  lines.length = 0;
  ocsp = new SmallOcsp();
  ocspPort = await freePort();
});
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
  await ocsp.close();
});

const openOcsp = () => ocsp.listen(atOcsp, ocspPort);
/** Lets time pass until the outage is said. */
async function untilDeaf({ clock }: { readonly clock: FakeClock }): Promise<void> {
  expect(logged("revocations are not heard")).toBe(0);
  await until(() => {
    clock.advance(1_000);
    expect(logged("revocations are not heard")).toBe(1);
  });
}
const until = (check: () => unknown) => vi.waitFor(check, { timeout: 20_000, interval: 10 });

/** A process with the peer ocsp in its configuration, and its door. */
async function startWatcher() {
  let context: ServiceContext | undefined;
  const directory = join(mkdtempSync(join(tmpdir(), "pki-deny-")), "ca");
  writeIdentity(directory, identities.forUri(suiteId("ca")).current());
  const config = BaseConfig.parse({
    ...{ listen: { host: "127.0.0.1", port: 0 }, health: { host: "127.0.0.1", port: 0 }, identityDir: directory },
    peers: { ocsp: { address: `127.0.0.1:${ocspPort}` } },
  });
  const definition = defineService({
    name: "ca",
    config: BaseConfig,
    async start(_config, given) {
      context = given;
      return { services: [], ready: async () => ({}), close: async () => {} };
    },
  });
  const clock = fakeClock(new Date());
  const started = await startService(definition, config, { clock, log });
  closers.push(() => started.close(0));
  if (context === undefined) throw new Error("the service was not started");
  return { ...started, clock, denyList: context.denyList };
}

/** What a peer gets from the door: its calls, and a stream that stays open. */
function visit(port: number, identity: TestIdentity) {
  const address = `127.0.0.1:${port}`;
  const health = connect(HealthDefinition, { address, identity, expect: suiteId("ca"), log: silentLogger });
  closers.push(() => health.close());
  const code = (call: Promise<unknown>): Promise<string> =>
    call.then(
      () => "OK",
      (error) => error.code,
    );
  return {
    call: () => code(health.check({ service: "" })),
    async stream() {
      const states = health.watch({ service: "" })[Symbol.asyncIterator]();
      await states.next();
      return () => code(states.next());
    },
  };
}

const newPeer = (): RevokedPeer => peerOf(identities.forUri(suiteId("gateway")).certificate);

describe("a process that hears of revocations", () => {
  it("refuses a revoked peer on its open connection and ends its open stream, and admits it again when it is released", async () => {
    await openOcsp();
    const watcher = await startWatcher();
    const [gateway, other] = [identities.forUri(suiteId("gateway")), identities.forUri(suiteId("gateway"))];
    const [revoked, trusted] = [visit(watcher.rpcPort, gateway), visit(watcher.rpcPort, other)];
    const stream = await revoked.stream();
    await until(() => expect(ocsp.watches).toBe(1));
    expect(await revoked.call()).toBe("OK");

    ocsp.revoke(peerOf(gateway.certificate));
    expect(await stream()).toBe("CALLER_REVOKED");
    expect(await revoked.call()).toBe("CALLER_REVOKED");
    expect(await visit(watcher.rpcPort, gateway).call()).toBe("CALLER_REVOKED");
    expect(await trusted.call()).toBe("OK");

    ocsp.release(peerOf(gateway.certificate));
    await until(async () => expect(await revoked.call()).toBe("OK"));
  });

  it("knows from the start what was revoked before, in however many parts it comes", async () => {
    const gateway = identities.forUri(suiteId("gateway"));
    ocsp.pageSize = 2;
    ocsp.revoke(newPeer(), newPeer(), newPeer(), newPeer(), peerOf(gateway.certificate));
    await openOcsp();
    const { rpcPort, denyList } = await startWatcher();
    await until(() => expect(denyList.size).toBe(5));
    expect(await visit(rpcPort, gateway).call()).toBe("CALLER_REVOKED");
  });

  it("forgets what has expired", async () => {
    const { serialHex, issuerKeyId, ...peer } = newPeer();
    await openOcsp();
    const { denyList, clock } = await startWatcher();
    const inAnHour = new Date(clock.now().getTime() + 3_600_000);
    ocsp.revoke({ ...peer, serialHex, issuerKeyId, notAfter: inAnHour });
    await until(() => expect(denyList.isDenied(serialHex, issuerKeyId)).toBe(true));
    clock.advance(3_600_001);
    // A chore of every process.
    await until(() => expect(denyList.size).toBe(0));
  });

  it("compares serial numbers without the zero octet of DER", async () => {
    await openOcsp();
    const { denyList } = await startWatcher();
    await until(() => expect(ocsp.watches).toBe(1));
    ocsp.revoke({ ...newPeer(), serialHex: "00f7", issuerKeyId: "aa" }, { ...newPeer(), serialHex: "00" });
    await until(() => expect(denyList.size).toBe(2));
    expect(denyList.isDenied("f7", "aa")).toBe(true);
  });
});

describe("while ocsp is away", () => {
  it("the last list stays, is said to be old once, and is made whole when ocsp is back", async () => {
    const [early, held, late] = [newPeer(), newPeer(), newPeer()];
    await openOcsp();
    const watcher = await startWatcher();
    const { denyList, healthPort } = watcher;
    const isDenied = ({ serialHex, issuerKeyId }: RevokedPeer) => denyList.isDenied(serialHex, issuerKeyId);
    ocsp.revoke(early, held);
    await until(() => expect(denyList.size).toBe(2));

    await ocsp.close();
    await untilDeaf(watcher);
    expect([isDenied(early), isDenied(held)]).toEqual([true, true]);
    const metrics = await (await fetch(`http://127.0.0.1:${healthPort}/metrics`)).text();
    expect(metrics).toMatch(/^pki_deny_list_silence/m);
    expect(metrics).toMatch(/^pki_deny_list_entries(\{.*\})? 2\b/m);
    expect((await fetch(`http://127.0.0.1:${healthPort}/readyz`)).status).toBe(200);
    ocsp.release(held);
    ocsp.revoke(late);
    expect(isDenied(late)).toBe(false);

    await openOcsp();
    await until(() => expect(isDenied(late)).toBe(true));
    expect([isDenied(early), isDenied(held), denyList.size]).toEqual([true, false, 2]);
    expect([logged("revocations are not heard"), logged("revocations are heard again")]).toEqual([1, 1]);
  });

  it("a process starts, serves, and hears when ocsp comes", async () => {
    const gateway = identities.forUri(suiteId("gateway"));
    ocsp.revoke(peerOf(gateway.certificate));
    const watcher = await startWatcher();
    const door = visit(watcher.rpcPort, gateway);
    await untilDeaf(watcher);
    expect(await door.call()).toBe("OK");
    await openOcsp();
    await until(async () => expect(await door.call()).toBe("CALLER_REVOKED"));
  });

  it("a list that breaks off half-way does not take the place of a good one", async () => {
    const peers = Array.from({ length: 6 }, newPeer);
    await openOcsp();
    ocsp.revoke(...peers);
    const { denyList } = await startWatcher();
    await until(() => expect(denyList.size).toBe(6));

    await ocsp.close();
    [ocsp.pageSize, ocsp.breakAfter] = [2, 2];
    const before = ocsp.watches;
    await openOcsp();
    await until(() => expect(ocsp.watches).toBeGreaterThan(before + 1));
    expect(denyList.size).toBe(6);

    ocsp.breakAfter = Number.POSITIVE_INFINITY;
    ocsp.release(peers[0] as RevokedPeer);
    await until(() => expect(denyList.size).toBe(5));
  });

  it("somebody else in its place is not believed", async () => {
    const gateway = identities.forUri(suiteId("gateway"));
    ocsp.revoke(peerOf(gateway.certificate));
    await ocsp.listen(identities.forUri(suiteId("tsa")), ocspPort);
    const watcher = await startWatcher();
    const { denyList } = watcher;
    await untilDeaf(watcher);
    expect([denyList.size, ocsp.watches]).toEqual([0, 0]);
  });
});

describe("what makes no sense", () => {
  it.each([
    ["bytes that are no message", { bytes: Uint8Array.of(0x22, 0xff, 0xff) }],
    ["a list without an end, and the end of the stream", { snapshot: true, revoked: [newPeer()] }],
  ])("%s: ends in a new stream, and nothing is lost", async (_what, message) => {
    await openOcsp();
    const { denyList } = await startWatcher();
    ocsp.revoke(newPeer());
    await until(() => expect(denyList.size).toBe(1));
    const before = ocsp.watches;
    ocsp.send(message);
    if (!("bytes" in message)) {
      await ocsp.close();
      await openOcsp();
    }
    await until(() => expect(ocsp.watches).toBeGreaterThan(before));
    ocsp.revoke(newPeer());
    await until(() => expect(denyList.size).toBe(2));
  });

  it("an entry that names no certificate is counted and left out; the others count", async () => {
    await openOcsp();
    const { denyList, healthPort } = await startWatcher();
    await until(() => expect(ocsp.watches).toBe(1));
    const broken = ["", "1", "zz", "AB"].map((serialHex) => ({ ...newPeer(), serialHex }));
    ocsp.revoke(...broken, newPeer(), { ...newPeer(), issuerKeyId: "" });
    await until(() => expect(denyList.size).toBe(1));
    expect(logged("revocations not understood")).toBe(1);
    const metrics = await (await fetch(`http://127.0.0.1:${healthPort}/metrics`)).text();
    expect(metrics).toMatch(/^pki_deny_list_malformed_total(\{.*\})? 5\b/m);
  });
});
