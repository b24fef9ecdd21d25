import { rmSync } from "node:fs";
import { join } from "node:path";
import { PkiError } from "@vcc-pki/errors";
import { fakeClock } from "@vcc-pki/testkit/clock";
import { describe, expect, it } from "vitest";
import { contextOf } from "../src/agent.ts";
import type { Identity } from "../src/config.ts";
import { enrol } from "../src/enrol.ts";
import { maintain } from "../src/maintain.ts";
import { servedAt } from "../src/prove.ts";
import type { State } from "../src/state.ts";
import { type Door, newDoor, otherRootPem } from "./door.ts";
import { type AgentOptions, newAgent, startService } from "./harness.ts";

const HOUR = 3_600_000;

/** An agent whose identity is enrolled and in service. */
async function newEnrolled(door: Door, options: AgentOptions = {}) {
  const agent = newAgent(door, options);
  const contact = { server: door.origin, fingerprint: door.fingerprint };
  await enrol(agent.context(), contact, { kind: "token", token: door.newToken() });
  await maintain(agent.context(), { now: true });
  return { ...agent, turn: (wish = {}) => maintain(agent.context(), wish) };
}

describe("renewal", () => {
  it("happens at two thirds of the life, not before", async () => {
    const door = await newDoor();
    const agent = await newEnrolled(door);
    const { clock } = door;
    clock.advance(15.9 * HOUR);
    await agent.turn();
    expect(door.issued).toHaveLength(1);
    clock.advance(0.2 * HOUR);
    const state = await agent.turn();
    expect(door.issued).toHaveLength(2);
    expect(state.deployed?.serialHex).toBe(door.issued[1]);
  });

  it("is what the gateway says when it says so", async () => {
    const door = await newDoor();
    const agent = await newEnrolled(door);
    await agent.turn({ renew: true, now: true, lastEventId: "7" });
    expect(door.issued).toHaveLength(2);
    expect(agent.context().store.read().lastEventId).toBe("7");
  });

  it.each(["failed, not stored", "failed, but stored"] as const)(
    "that %s is tried again later, with the same request",
    async (fault) => {
      const door = await newDoor();
      const agent = await newEnrolled(door);
      door.fault = fault;
      const failed = await agent.turn({ renew: true });
      expect(failed).toMatchObject({
        failures: 1,
        deployed: { serialHex: door.issued[0] },
        pending: { requestId: expect.any(String) },
      });
      const asked = door.asked.length;
      await agent.turn({ renew: true });
      expect(door.asked).toHaveLength(asked); // it waits, also over a restart: every turn reads the disk
      door.fault = undefined;
      agent.clock.advance(HOUR);
      await agent.turn({ renew: true });
      expect(door.issued).toHaveLength(2);
      expect(agent.context().store.read()).toMatchObject({
        failures: 0,
        deployed: { serialHex: door.issued[1] },
      });
    },
  );

  it("loses nothing when the agent's own disk fails after the answer", async () => {
    const door = await newDoor();
    const agent = await newEnrolled(door);
    const context = agent.context();
    const broken = { ...context, store: { ...context.store, keepCertificate: fail } };
    expect(await maintain(broken, { renew: true })).toMatchObject({ failures: 1, held: { serialHex: door.issued[0] } });
    agent.clock.advance(HOUR);
    await agent.turn({ renew: true });
    expect(door.issued).toHaveLength(2);
    expect(agent.context().store.read().deployed?.serialHex).toBe(door.issued[1]);
  });

  it("that the gateway wanted is done once it can be, though it was away when told", async () => {
    const door = await newDoor();
    const agent = await newEnrolled(door);
    await door.close();
    expect((await agent.turn({ renew: true, now: true })).lastError?.code).toBe("PEER_UNAVAILABLE");
    await door.reopen();
    agent.clock.advance(HOUR);
    expect((await agent.turn()).deployed?.serialHex).toBe(door.issued[1]);
  });

  it("renews once when the state was written and the disk said no", async () => {
    const door = await newDoor();
    const agent = await newEnrolled(door);
    const context = agent.context();
    const write = (state: State) => {
      context.store.write(state);
      if (state.held?.serialHex === door.issued[1] && state.lastError === undefined) fail();
    };
    await maintain({ ...context, store: { ...context.store, write } }, { renew: true });
    agent.clock.advance(HOUR);
    await agent.turn();
    expect(door.issued).toHaveLength(2);
  });

  it("keeps the old certificate and goes on trying while the gateway is away", async () => {
    const door = await newDoor();
    const agent = await newEnrolled(door);
    const { clock } = door;
    await door.close();
    clock.advance(17 * HOUR);
    expect(await agent.turn()).toMatchObject({
      lastError: { code: "PEER_UNAVAILABLE" },
      deployed: { serialHex: door.issued[0] },
    });
    clock.advance(60_000);
    await door.reopen();
    expect(await agent.turn()).toMatchObject({ deployed: { serialHex: door.issued[1] } });
  });
});

describe("a clock that is wrong", () => {
  it.each([
    ["ahead", 400 * 24 * HOUR],
    ["behind", -400 * 24 * HOUR],
  ])("%s, is named, and nothing is asked for", async (_, offset) => {
    const door = await newDoor();
    const clock = fakeClock(door.clock.now());
    const agent = await newEnrolled(door, { clock });
    clock.step(offset);
    const state = await agent.turn({ now: true });
    expect(state.lastError?.code).toBe("CLOCK_WRONG");
    for (let n = 0; n < 5; n++) await agent.turn();
    expect(door.issued).toHaveLength(1);
    expect(door.asked.filter((path) => path.includes("bundle")).length).toBeLessThanOrEqual(4);
  });

  it("is named when it is why TLS does not believe the gateway", async () => {
    const [past, soon] = [new Date(Date.now() - 2 * HOUR), new Date(Date.now() - HOUR)];
    // To a machine whose clock runs ahead, the gateway's certificate has expired.
    const then = fakeClock(new Date(past.getTime() + HOUR / 2));
    const door = await newDoor({ clock: then, serverLife: { notBefore: past, notAfter: soon } });
    const agent = newAgent(door, { clock: fakeClock(new Date()) });
    const contact = { server: door.origin, fingerprint: door.fingerprint };
    await expect(enrol(agent.context(), contact, { kind: "token", token: door.newToken() })).rejects.toEqual(
      expect.objectContaining({ code: "CLOCK_WRONG" }),
    );
  });

  it("is not blamed for a gateway whose certificate has expired", async () => {
    const door = await newDoor({
      serverLife: { notBefore: new Date(Date.now() - 2 * HOUR), notAfter: new Date(Date.now() - HOUR) },
    });
    const agent = newAgent(door);
    const contact = { server: door.origin, fingerprint: door.fingerprint };
    await expect(enrol(agent.context(), contact, { kind: "token", token: door.newToken() })).rejects.toEqual(
      expect.objectContaining({ code: "PEER_UNAVAILABLE" }),
    );
  });
});

describe("bringing it into service", () => {
  const served = async ({ stubborn = false } = {}) => {
    const door = await newDoor();
    const agent = await newEnrolled(door);
    const { address } = await startService(agent.files, { stubborn });
    const identity: Identity = {
      ...agent.identity,
      reload: { signal: { name: "SIGHUP", pidFile: join(agent.files, "pid") } },
      proof: { connect: address, within: 1_000 },
    };
    return {
      door,
      address,
      turn: (wish = {}) => maintain(contextOf(identity, agent.settings, agent.world), wish),
      agent,
    };
  };

  it("is proven by a handshake and reported", async () => {
    const { door, address, turn } = await served();
    const state = await turn({ renew: true });
    expect(state.lastError).toBeUndefined();
    expect(await servedAt(address)).toBe(door.issued[1]);
    expect(door.reports.at(-1)).toMatchObject({ kind: "served", serial_number: door.issued[1], endpoint: address });
  });

  it("is taken back when the service goes on with the old one", async () => {
    const { door, address, turn, agent } = await served({ stubborn: true });
    const state = await turn({ renew: true });
    expect(state).toMatchObject({
      lastError: { code: "CERTIFICATE_NOT_SERVED" },
      held: { serialHex: door.issued[1] },
      deployed: { serialHex: door.issued[0] },
    });
    expect(await servedAt(address)).toBe(door.issued[0]);
    expect(agent.context().target.layout?.holds(materialOf(agent, door.issued[0] ?? ""))).toBe(true);
    // The gateway hears of it, and the next try asks for no other certificate.
    agent.clock.advance(HOUR);
    await turn();
    expect(door.issued).toHaveLength(2);
    expect(door.reports.filter(({ kind }) => kind === "failed")).not.toEqual([]);
  });

  it("waits for the first start of a service, with the files in place", async () => {
    const door = await newDoor();
    const agent = newAgent(door);
    const proof = { connect: "127.0.0.1:1", within: 1 };
    const context = (connect: string) =>
      contextOf({ ...agent.identity, proof: { ...proof, connect } }, agent.settings, agent.world);
    const contact = { server: door.origin, fingerprint: door.fingerprint };
    await enrol(context(proof.connect), contact, { kind: "token", token: door.newToken() });
    const first = await maintain(context(proof.connect), { now: true });
    expect(first).toMatchObject({ lastError: { code: "CERTIFICATE_NOT_SERVED" }, deployed: { isTaken: false } });
    const { address } = await startService(agent.files);
    agent.clock.advance(HOUR);
    expect(await maintain(context(address))).toMatchObject({ failures: 0, deployed: { isTaken: true } });
    expect(door.reports.at(-2)).toMatchObject({ kind: "served", endpoint: address });
  });

  it("is done again when somebody has touched the files", async () => {
    const door = await newDoor();
    const agent = await newEnrolled(door);
    rmSync(join(agent.files, "key.pem"));
    await agent.turn();
    expect(agent.context().target.layout?.holds(materialOf(agent, door.issued[0] ?? ""))).toBe(true);
  });
});

describe("the roots", () => {
  it("are taken from the gateway, given to the service, and acknowledged", async () => {
    const door = await newDoor();
    const agent = await newEnrolled(door);
    door.bundlePem += otherRootPem();
    await agent.turn({ bundle: true });
    expect(agent.context().target.layout?.holds(materialOf(agent, door.issued[0] ?? ""))).toBe(true);
    expect(agent.context().store.findBundle()).toBe(door.bundlePem);
    expect(door.reports.filter(({ kind }) => kind === "bundle_acknowledged")).toHaveLength(2);
  });

  it("are not taken when they would leave our own certificate without one", async () => {
    const door = await newDoor();
    const agent = await newEnrolled(door);
    const before = agent.context().store.findBundle();
    door.bundlePem = otherRootPem();
    expect(await agent.turn({ bundle: true })).toMatchObject({ lastError: { code: "SERVER_NOT_TRUSTED" } });
    expect(agent.context().store.findBundle()).toBe(before);
  });
});

function fail(): never {
  throw new PkiError("FILE_NOT_WRITTEN", "the disk says no");
}

function materialOf(agent: ReturnType<typeof newAgent>, serialHex: string) {
  const { store } = agent.context();
  return { ...store.getCertificate(serialHex), bundlePem: store.findBundle() ?? "" };
}
