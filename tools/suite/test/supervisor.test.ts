import { readFileSync } from "node:fs";
import { join } from "node:path";
import { systemClock } from "@vcc-pki/time";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { ProcessSpec, SuiteEvent } from "../src/process.ts";
import { Supervisor } from "../src/supervisor.ts";
import { newDirectory } from "./directory.ts";
import { childSpec, FAST, isRunning, until } from "./harness.ts";

let directory: string;
let events: SuiteEvent[];
let supervisor: Supervisor | undefined;

const newSupervisor = (specs: readonly ProcessSpec[], timing = FAST): Supervisor => {
  supervisor = new Supervisor({
    specs,
    logPath: (name) => join(directory, `${name}.log`),
    clock: systemClock,
    report: (event) => events.push(event),
    timing,
    attempts: 3,
  });
  return supervisor;
};
const named = (type: SuiteEvent["type"]): string[] =>
  events.filter((event) => event.type === type).map(({ name }) => name);
const pidOf = (name: string): number => supervisor?.snapshots().find((one) => one.name === name)?.pid ?? 0;

beforeEach(() => {
  directory = newDirectory();
  events = [];
});
afterEach(() => supervisor?.stop());

describe("supervisor", () => {
  it("starts each process after those it needs are ready, and stops in reverse", async () => {
    const running = newSupervisor([
      childSpec(directory, "door", { after: ["ca", "bus"] }),
      childSpec(directory, "ca", { after: ["token"] }),
      childSpec(directory, "token"),
      childSpec(directory, "bus"),
    ]);
    await running.start();
    const order = events.map(({ type, name }) => `${type} ${name}`);
    const position = (event: string) => order.indexOf(event);
    expect(position("ready token")).toBeLessThan(position("starting ca"));
    expect(position("ready ca")).toBeLessThan(position("starting door"));
    expect(position("ready bus")).toBeLessThan(position("starting door"));
    const pids = running.snapshots().map(({ pid }) => pid ?? 0);
    expect(pids.every(isRunning)).toBe(true);

    await running.stop();
    const stopped = named("stopped");
    expect(stopped[0]).toBe("door");
    expect(stopped.indexOf("ca")).toBeLessThan(stopped.indexOf("token"));
    expect(pids.some(isRunning)).toBe(false);
    expect(readFileSync(join(directory, "ca.log"), "utf8")).toBe("listening\nstopping\n");
  });

  it("restarts a crashed process, each time later, and reports how it ended", async () => {
    const running = newSupervisor([childSpec(directory, "ca")]);
    await running.start();
    for (let round = 1; round <= 4; round++) {
      process.kill(pidOf("ca"), "SIGKILL");
      await until(() => named("ready").length === round + 1);
    }
    const crashes = events.filter((event) => event.type === "crashed");
    expect(crashes.map(({ exit }) => exit)).toEqual(Array(4).fill("signal SIGKILL"));
    expect(crashes.map(({ restartInMs }) => restartInMs)).toEqual([20, 40, 80, 80]);
    expect(running.snapshots()).toMatchObject([{ state: "ready", restarts: 4, lastExit: "signal SIGKILL" }]);
  });

  it("gives up on a process that never becomes ready, and can still stop the others", async () => {
    const running = newSupervisor([
      childSpec(directory, "bus"),
      childSpec(directory, "ca", { after: ["bus"], behaviour: "dies" }),
    ]);
    await expect(running.start()).rejects.toThrow("ca ended 3 times before it was ready, last with exit code 7");
    const bus = pidOf("bus");
    expect(isRunning(bus)).toBe(true);
    await running.stop();
    expect(isRunning(bus)).toBe(false);
  });

  it("gives up on a process that runs and is not ready in time, and says why", async () => {
    const running = newSupervisor([childSpec(directory, "ca", { behaviour: "unready" })], {
      ...FAST,
      readyWithinMs: 800,
    });
    await expect(running.start()).rejects.toThrow("ca is not ready (child: sulks)");
    expect(running.snapshots()).toMatchObject([{ state: "starting" }]);
  });

  it("kills a process that ignores SIGTERM, after the grace", async () => {
    const running = newSupervisor([childSpec(directory, "stuck", { behaviour: "stubborn" })]);
    await running.start();
    const pid = pidOf("stuck");
    await running.stop();
    expect(isRunning(pid)).toBe(false);
    expect(readFileSync(join(directory, "stuck.log"), "utf8")).toBe("listening\nno\n");
  });

  it("can be stopped while it starts, and does not restart what it stopped", async () => {
    const running = newSupervisor([childSpec(directory, "token"), childSpec(directory, "ca", { after: ["token"] })]);
    const starting = running.start();
    starting.catch(() => undefined);
    await until(() => named("starting").includes("token"));
    await running.stop();
    await expect(starting).rejects.toThrow("was stopped before it was ready");
    expect(running.snapshots().map(({ state }) => state)).toEqual(["stopped", "stopped"]);
    expect(named("crashed")).toEqual([]);
  });

  it("refuses an order that cannot be kept", () => {
    expect(() => newSupervisor([childSpec(directory, "a", { after: ["b"] })])).toThrow("which is not there");
    const circle = [childSpec(directory, "a", { after: ["b"] }), childSpec(directory, "b", { after: ["a"] })];
    expect(() => newSupervisor(circle)).toThrow("circle");
  });
});
