import { randomBytes } from "node:crypto";
import { type Chores, startChores } from "@vcc-pki/service";
import { silentLogger } from "@vcc-pki/telemetry";
import { systemClock } from "@vcc-pki/time";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ClockConfig, ClockProof, createSources } from "../src/clock/index.ts";
import { type Responder, startResponder } from "./clock-responder.ts";

/** Servers that show this machine's own time. */
const machine = { now: () => systemClock.now(), advance: () => {} };

describe("on this machine's clock, by itself", () => {
  const servers: Responder[] = [];
  let proof: ClockProof;
  let chores: Chores<"clock">;
  beforeAll(async () => {
    for (let i = 0; i < 3; i++) servers.push(await startResponder(machine));
    const config = ClockConfig.parse({
      ...{ servers: servers.map(({ name }) => name), accuracy: "500ms", timeout: "100ms" },
      ...{ interval: "200ms", retryInterval: "100ms", evidencePeriod: "800ms" },
    });
    const sources = createSources(config, { clock: systemClock, random: randomBytes });
    proof = new ClockProof({ config, sources, clock: systemClock, random: randomBytes, record: () => {} });
    chores = startChores({ clock: { everyMs: 20, run: () => proof.tick() } }, silentLogger);
  });
  afterAll(async () => {
    await chores.stop();
    for (const server of servers) await server.close().catch(() => {});
  });

  it("it comes to a time, and to new evidence for it", async () => {
    await expect.poll(() => proof.state).toBe("available");
    const first = proof.evidence?.id;
    await expect.poll(() => proof.evidence?.id).not.toBe(first);
    expect(proof.state).toBe("available");
  });

  it("it stops without servers and comes back with them", async () => {
    for (const server of servers) await server.close();
    await expect.poll(() => proof.state, { timeout: 5_000 }).toBe("evidence-expired");
    for (const server of servers) await server.open();
    await expect.poll(() => proof.state, { timeout: 5_000 }).toBe("available");
  });
});
