import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { contextOf } from "../src/agent.ts";
import { enrol } from "../src/enrol.ts";
import { runAgent } from "../src/run.ts";
import { statusOf } from "../src/status.ts";
import { type Door, newDoor } from "./door.ts";
import { newAgent } from "./harness.ts";

const services = ["argus", "clara", "covina"].map((service) => ({ organisation: "brandenburg", service }));

/** The daemon, with three identities of which the first `enrolled` have a certificate. */
async function startAgent(door: Door, enrolled: number) {
  const agent = newAgent(door, { identities: services });
  const enrolOne = (index: number) => {
    const identity = agent.settings.identities[index];
    if (!identity) throw new Error("there are three");
    const contact = { server: door.origin, fingerprint: door.fingerprint };
    return enrol(contextOf(identity, agent.settings, agent.world), contact, { kind: "token", token: door.newToken() });
  };
  for (let index = 0; index < enrolled; index++) await enrolOne(index);
  const stop = new AbortController();
  const running = runAgent(agent.settings, agent.world, stop.signal);
  onTestFinished(async () => {
    stop.abort();
    await running;
  });
  const health = () => statusOf(agent.settings, agent.clock.now()).map((status) => status.health);
  return { ...agent, enrolOne, health, stop, running };
}

describe("the daemon", () => {
  it("looks after every identity that is enrolled, and leaves the others alone", async () => {
    const door = await newDoor();
    const { health } = await startAgent(door, 2);
    await expect.poll(health).toEqual(["ok", "ok", "not enrolled"]);
    await expect.poll(() => door.watchers.size).toBe(2);
  });

  it("renews all of them when the gateway says so, each once, and listens as what it is then", async () => {
    const door = await newDoor();
    const { settings, clock } = await startAgent(door, 3);
    await expect.poll(() => door.watchers.size).toBe(3);
    door.tell("renew", { reason: "incident" });
    await expect.poll(() => door.issued.length, { timeout: 10_000 }).toBe(6);
    const serials = () => statusOf(settings, clock.now()).map((status) => status.serial_number);
    await expect.poll(serials, { timeout: 10_000 }).toEqual(expect.arrayContaining(door.issued.slice(3)));
    await expect.poll(() => door.lastEventIds.filter((id) => id === "1"), { timeout: 10_000 }).toHaveLength(3);
    expect(door.issued).toHaveLength(6);
  });

  it("passes over events that it does not know, or cannot read", async () => {
    const door = await newDoor();
    const { health } = await startAgent(door, 1);
    await expect.poll(() => door.watchers.size).toBe(1);
    door.tell("dance", {});
    for (const watcher of door.watchers) watcher.write("event: renew\ndata: {not json\n\n");
    door.tell("renew", { reason: "told" });
    await expect.poll(() => door.issued.length, { timeout: 10_000 }).toBe(2);
    await expect.poll(health).toEqual(["ok", "not enrolled", "not enrolled"]);
  });

  it("ends when told to, in the middle of everything", async () => {
    const door = await newDoor();
    const { stop, running } = await startAgent(door, 3);
    stop.abort();
    await running;
    await expect.poll(() => door.watchers.size).toBe(0);
  });
});

describe("what the command line says of it", () => {
  it("is in files that other users cannot read", async () => {
    const door = await newDoor();
    const { settings } = await startAgent(door, 1);
    const { stdout } = spawnSync("find", [join(settings.stateDir), "-perm", "/077"], { encoding: "utf8" });
    expect(stdout.split("\n").filter((line) => line !== "" && line !== settings.stateDir)).toEqual([]);
  });
});
