import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { ClockSource } from "../src/clock/index.ts";
import { failure, type Measurement } from "../src/clock/source.ts";
import { type ClockHarness, type ClockHarnessOptions, newClock } from "./clock-harness.ts";

let suite: ClockHarness;
const start = async (options: ClockHarnessOptions = {}) => {
  await suite?.close();
  suite = await newClock(options);
  await suite.proof.tick();
};
const state = () => suite.proof.state;
const provenTime = () => {
  const time = suite.proof.now();
  if ("unavailable" in time) throw new Error(time.unavailable);
  return time;
};
/** All servers do this from now on. */
const setAll = (behaviour: Partial<ClockHarness["servers"][0]["behaviour"]>, servers = suite.servers) => {
  for (const server of servers) Object.assign(server.behaviour, behaviour);
};
afterEach(() => suite.close());

describe("a proven clock", () => {
  beforeEach(() => start());

  it("tells the time, what is promised, how far off it may be, and by which evidence", () => {
    const time = provenTime();
    expect(time.genTime).toEqual(suite.clock.now());
    expect(time.accuracyMs).toBe(1_000);
    expect(time.errorMs).toBeGreaterThan(0);
    expect(time.errorMs).toBeLessThan(5);
    expect(time.evidenceId).toBe(suite.recorded[0]?.id);
    expect(suite.changes).toEqual(["no-evidence > available"]);
  });

  it("has no time before it has evidence", async () => {
    const fresh = await newClock();
    expect(fresh.proof.now()).toEqual({ unavailable: "no-evidence" });
    expect(fresh.servers.map(({ questions }) => questions.length)).toEqual([0, 0, 0, 0]);
    await fresh.close();
  });

  it("keeps what each source has said, and nobody can change it", () => {
    const [evidence] = suite.recorded;
    expect(evidence).toMatchObject({ isProven: true, leap: "none", monotonicMs: 0 });
    expect(evidence?.id).toMatch(/^[\da-f]{32}$/);
    expect(evidence?.expiresAt.getTime()).toBe((evidence?.takenAt.getTime() ?? 0) + 300_000);
    expect(evidence?.sources.map(({ name, hasVote, agrees }) => [name, hasVote, agrees])).toEqual(
      suite.servers.map(({ name }) => [name, true, true]),
    );
    expect(() => Object.assign(evidence?.sources[0]?.report ?? {}, { offsetMs: 7 })).toThrow(TypeError);
    expect(() => Object.assign(evidence ?? {}, { errorMs: 0 })).toThrow(TypeError);
  });

  it("gets new evidence each interval, and goes on without a gap", async () => {
    await suite.pass(200_000);
    expect(suite.recorded.map(({ monotonicMs }) => monotonicMs)).toEqual([0, 64_000, 128_000, 192_000]);
    expect(new Set(suite.recorded.map(({ id }) => id)).size).toBe(4);
    expect(suite.changes).toEqual(["no-evidence > available"]);
    expect(provenTime().evidenceId).toBe(suite.recorded[3]?.id);
  });

  it("gets less sure as evidence ages", () => {
    const before = provenTime().errorMs;
    suite.clock.advance(100_000);
    expect(provenTime().errorMs - before).toBeCloseTo(5, 6); // 50 ppm of 100 s
  });

  it("asks earlier by up to the jitter", async () => {
    await start({ config: { jitter: 0.5, interval: "100s" } });
    await suite.pass(400_000);
    const gaps = suite.recorded
      .slice(1)
      .map(({ monotonicMs }, i) => monotonicMs - (suite.recorded[i]?.monotonicMs ?? 0));
    for (const gap of gaps) expect(gap).toBeGreaterThanOrEqual(50_000);
    for (const gap of gaps) expect(gap).toBeLessThanOrEqual(100_000);
    expect(new Set(gaps).size).toBeGreaterThan(1);
  });

  it("asks once for two that want to know", async () => {
    await Promise.all([suite.proof.measure(), suite.proof.measure()]);
    expect(suite.servers[0]?.questions.length).toBe(2);
  });
});

describe("servers that lie", () => {
  it("one of four is outvoted and named", async () => {
    await start({ servers: [{}, { offsetMs: 5_000 }, {}, {}] });
    expect(state()).toBe("available");
    expect(suite.recorded[0]?.sources.map(({ agrees }) => agrees)).toEqual([true, false, true, true]);
    expect(provenTime().errorMs).toBeLessThan(5);
  });

  it("one of three is outvoted", async () => {
    await start({ servers: [{ offsetMs: -5_000 }, {}, {}] });
    expect(state()).toBe("available");
  });

  it("two against two end it at once, old evidence or not", async () => {
    await start();
    setAll({ offsetMs: 4_000 }, suite.servers.slice(2));
    await suite.pass(63_000);
    expect(state()).toBe("available");
    await suite.pass(1_000);
    expect(state()).toBe("no-quorum");
    setAll({ offsetMs: 0 });
    await suite.pass(8_000);
    expect(suite.changes.slice(1)).toEqual(["available > no-quorum", "no-quorum > available"]);
  });

  it("all of them agreeing that we are wrong is believed", async () => {
    await start();
    setAll({ offsetMs: 1_500 });
    await suite.pass(64_000);
    expect(state()).toBe("offset-too-large");
    expect(suite.proof.evidence?.offsetMs).toBeCloseTo(1_500, 2);
  });

  it("two camps and one who agrees with both prove nothing", async () => {
    await start({ servers: [{}, { offsetMs: 900 }, { rootDispersionMs: 950 }], config: { accuracy: "500ms" } });
    expect(state()).toBe("offset-too-large");
  });
});

describe("servers that are gone", () => {
  beforeEach(() => start());

  it("end it when the evidence is old, and it comes back by itself", async () => {
    await suite.pass(64_000);
    for (const server of suite.servers) await server.close();
    await suite.pass(299_000);
    expect(state()).toBe("available");
    await suite.pass(1_000);
    expect(state()).toBe("evidence-expired");
    for (const server of suite.servers) await server.open();
    await suite.pass(8_000);
    expect(state()).toBe("available");
    expect(suite.changes.slice(1)).toEqual(["available > evidence-expired", "evidence-expired > available"]);
  });

  it("are asked again sooner than usual while there is nothing to show", async () => {
    setAll({ silent: true });
    suite.clock.advance(300_000);
    const [server] = suite.servers;
    await suite.proof.tick();
    const asked = server?.questions.length ?? 0;
    await suite.pass(24_000);
    expect((server?.questions.length ?? 0) - asked).toBe(3);
  });

  it("one of four is not missed; two are, in time", async () => {
    await suite.servers[0]?.close();
    await suite.pass(600_000);
    expect(state()).toBe("available");
    await suite.servers[1]?.close();
    await suite.pass(300_000);
    expect(state()).toBe("evidence-expired");
  });

  it("may be gone from the start", async () => {
    await start({ servers: [{ silent: true }, { silent: true }, {}] });
    expect(state()).toBe("no-quorum");
    expect(suite.changes).toEqual(["no-evidence > no-quorum"]);
    expect(suite.proof.lastQuorum?.statements[0]?.report).toMatchObject({ reason: "unreachable" });
    setAll({ silent: false });
    await suite.pass(8_000);
    expect(state()).toBe("available");
  });

  it("that do not know the time themselves count as gone", async () => {
    setAll({ leap: 3 }, suite.servers.slice(0, 2));
    await suite.pass(64_000);
    expect(suite.recorded.length).toBe(1);
    await suite.pass(236_000);
    expect(state()).toBe("evidence-expired");
  });

  it("that want to be left alone are, and nothing is signed on old evidence", async () => {
    setAll({ stratum: 0, reference: "DENY" });
    await suite.pass(300_000);
    expect(state()).toBe("evidence-expired");
    expect(suite.servers.map(({ questions }) => questions.length)).toEqual([2, 2, 2, 2]);
  });
});

describe("evidence that cannot be recorded", () => {
  it("is none, and the next may be", async () => {
    await start();
    suite.store.write = () => Promise.reject(new Error("disk full"));
    await expect(suite.proof.measure()).rejects.toThrow("disk full");
    expect(state()).toBe("no-evidence");
    suite.store.write = async () => {};
    await suite.pass(8_000);
    expect(state()).toBe("available");
    expect(provenTime().evidenceId).toBe(suite.recorded.at(-1)?.id);
  });

  it("is none either if it was recorded after all", async () => {
    await start();
    suite.store.write = async () => {};
    suite.recorded.push = () => {
      throw new Error("connection lost");
    };
    await expect(suite.proof.measure()).rejects.toThrow("connection lost");
    expect(state()).toBe("no-evidence");
  });

  it("counts only when it is stored", async () => {
    await start();
    const { promise, resolve } = Promise.withResolvers<void>();
    suite.store.write = () => promise;
    const measuring = suite.proof.measure();
    await expect.poll(() => suite.proof.lastQuorum?.statements.length).toBe(4);
    expect(provenTime().evidenceId).toBe(suite.recorded[0]?.id);
    resolve();
    await measuring;
    expect(provenTime().evidenceId).toBe(suite.recorded[1]?.id);
  });
});

describe("the machine's own daemon", () => {
  const daemon = (report: () => Partial<Measurement>): ClockSource => ({
    ...{ name: "chrony", kind: "daemon" },
    measure: async () => ({
      ...{ status: "measured", offsetMs: 0, errorMs: 1, monotonicMs: suite?.clock.monotonicMs() ?? 0, leap: "none" },
      ...{ stratum: 3, reference: "cb00710f", delayMs: 0, rootDelayMs: 0, rootDispersionMs: 0, ...report() },
    }),
  });

  it("is on record, and decides nothing beside servers", async () => {
    await start({ more: [daemon(() => ({ offsetMs: 700, leap: "insert" }))] });
    expect(state()).toBe("available");
    expect(suite.recorded[0]?.sources.at(-1)).toMatchObject({ name: "chrony", hasVote: false, agrees: false });
    expect(suite.recorded[0]?.leap).toBe("none");
  });

  it("is enough where the operator says so", async () => {
    let offsetMs = 0;
    await start({ servers: [], more: [daemon(() => ({ offsetMs }))], config: { minimumSources: 1 } });
    expect(state()).toBe("available");
    offsetMs = 1_200;
    await suite.pass(64_000);
    expect(state()).toBe("offset-too-large");
  });

  it("may be absent, if it is not all there is", async () => {
    const absent: ClockSource = { name: "chrony", kind: "daemon", measure: async () => failure("absent", "not there") };
    await start({ more: [absent] });
    expect(state()).toBe("available");
    await start({ servers: [], more: [absent], config: { minimumSources: 1 } });
    expect(state()).toBe("no-quorum");
  });
});

describe("an unproven clock", () => {
  beforeEach(() => start({ servers: [], config: { unproven: true } }));

  it("has a time and says that nobody vouches for it", () => {
    expect(state()).toBe("available");
    expect(suite.proof.isProven).toBe(false);
    expect(suite.recorded[0]).toMatchObject({ isProven: false, sources: [{ kind: "unproven" }] });
  });

  it("stops all the same when it is set", async () => {
    suite.clock.step(2_000);
    expect(state()).toBe("stepped");
    await suite.pass(8_000);
    expect(state()).toBe("available");
  });
});
