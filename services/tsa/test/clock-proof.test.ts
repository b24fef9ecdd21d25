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

describe("a clock that is set", () => {
  beforeEach(() => start());

  it.each([2_000, -2_000, 21, -21, 86_400_000])("by %d ms has no time at once", async (ms) => {
    suite.clock.step(ms);
    expect(suite.proof.now()).toEqual({ unavailable: "stepped" });
    expect(suite.proof.evidence).toBeUndefined();
  });

  it("and set back is not believed until it was measured again", async () => {
    suite.clock.step(2_000);
    expect(state()).toBe("stepped");
    suite.clock.step(-2_000);
    expect(state()).toBe("stepped");
    await suite.pass(8_000);
    expect(state()).toBe("available");
  });

  it.each([2_000, -2_000])(
    "by %d ms is found wrong when it is measured, and right when it is set right",
    async (ms) => {
      const utcMs = () => suite.clock.monotonicMs() + Date.parse("2026-11-01T00:00:00Z");
      suite.clock.step(ms);
      for (const server of suite.servers) {
        Object.defineProperty(server.behaviour, "offsetMs", { get: () => utcMs() - suite.clock.now().getTime() });
      }
      await suite.pass(8_000);
      expect(state()).toBe("offset-too-large");
      expect(suite.proof.evidence?.offsetMs).toBeCloseTo(-ms, 1);
      suite.clock.step(-ms);
      expect(state()).toBe("stepped");
      await suite.pass(8_000);
      expect(state()).toBe("available");
      const states = [
        "available > stepped",
        "stepped > offset-too-large",
        "offset-too-large > stepped",
        "stepped > available",
      ];
      expect(suite.changes.slice(1)).toEqual(states);
    },
  );

  it("is noticed while nobody asks for the time", async () => {
    suite.clock.step(2_000);
    await suite.pass(1_000);
    expect(suite.changes.at(-1)).toBe("available > stepped");
  });

  it("while it is being measured proves nothing", async () => {
    suite.clock.advance(64_000);
    let isSet = false;
    setAll({
      answers: (answer) => {
        if (!isSet) suite.clock.step(3_000);
        isSet = true;
        return [answer];
      },
    });
    await suite.proof.tick();
    expect(state()).toBe("stepped");
    expect(suite.recorded.length).toBe(1);
  });

  it("by less than the tolerance is that much less sure, however often", () => {
    const before = provenTime().errorMs;
    suite.clock.step(12);
    expect(provenTime().errorMs - before).toBeCloseTo(12, 1);
    suite.clock.step(7);
    expect(provenTime().errorMs - before).toBeCloseTo(19, 1);
    suite.clock.step(2);
    expect(state()).toBe("stepped");
  });
});

describe("a clock that drifts", () => {
  it("and is set right by a little is better for it", async () => {
    await start({ servers: [{ offsetMs: 90 }, { offsetMs: 90 }, { offsetMs: 90 }] });
    const before = provenTime().errorMs;
    suite.clock.step(15);
    expect(provenTime().errorMs - before).toBeCloseTo(-15, 1);
  });

  it("is refused when it is measured to be further away than is promised", async () => {
    await start({ config: { accuracy: "100ms" } });
    for (const [offsetMs, expected] of [
      [90, "available"],
      [99, "offset-too-large"],
      [-90, "available"],
      [-150, "offset-too-large"],
    ] as const) {
      setAll({ offsetMs });
      await suite.proof.measure();
      expect(state(), `${offsetMs}`).toBe(expected);
    }
  });

  it("is refused when it may have come to be further away since", async () => {
    await start({ config: { accuracy: "100ms" }, servers: [{ offsetMs: 90 }, { offsetMs: 90 }, { offsetMs: 90 }] });
    expect(state()).toBe("available");
    suite.clock.advance(100_000); // 50 ppm of it are 5 ms
    expect(state()).toBe("available");
    suite.clock.advance(100_000);
    expect(state()).toBe("offset-too-large");
  });

  it("is refused when the network is too slow to tell", async () => {
    const slow = { travelMs: [70, 0, 70] } as const;
    await start({ config: { accuracy: "100ms" }, servers: [slow, slow, slow] });
    expect(state()).toBe("offset-too-large");
  });
});

describe("a leap second", () => {
  const NEW_YEAR = Date.parse("2027-01-01T00:00:00Z");
  const at = (ms: number) => suite.clock.advance(NEW_YEAR + ms - suite.clock.now().getTime());
  const startBefore = async (leap: number) => {
    await start({ start: "2026-12-31T23:58:00Z", servers: [{ leap }, { leap }, { leap }, { leap: 0 }] });
    expect(state()).toBe("available");
  };

  it.each([1, 2])("announced with %d has no time from a second before to a second after", async (leap) => {
    await startBefore(leap);
    expect(suite.recorded[0]?.leapAt).toEqual(new Date(NEW_YEAR));
    at(-1_010);
    expect(state()).toBe("available");
    at(-1_000);
    expect(state()).toBe("leap-second");
    at(1_000);
    expect(state()).toBe("leap-second");
  });

  it("that the clock has made goes by with new evidence", async () => {
    await startBefore(1);
    at(0);
    suite.clock.step(-1_000); // the kernel inserts it: 23:59:59 again
    expect(state()).toBe("leap-second");
    at(0);
    await suite.proof.tick();
    expect(state()).toBe("leap-second");
    expect(suite.recorded.length).toBe(1);
    setAll({ leap: 0 });
    await suite.pass(8_000);
    expect(state()).toBe("available");
    expect(suite.recorded.length).toBe(2);
  });

  it("that the clock has not made is found out before a time is told", async () => {
    await startBefore(1);
    setAll({ leap: 0, offsetMs: -1_000 }); // servers, from then on
    at(1_100);
    expect(state()).toBe("evidence-expired");
    await suite.proof.tick();
    expect(state()).toBe("offset-too-large");
    setAll({ offsetMs: 0 });
    suite.clock.step(-1_000);
    await suite.pass(10_000);
    expect(state()).toBe("available");
  });

  it("is further away for a clock that may be wrong", async () => {
    await startBefore(1);
    setAll({ offsetMs: 200 });
    await suite.pass(64_000);
    at(-1_250);
    expect(state()).toBe("available");
    at(-1_150);
    expect(state()).toBe("leap-second");
    at(1_150);
    expect(state()).toBe("leap-second");
  });

  it("is no time to ask anybody", async () => {
    await startBefore(1);
    at(-500);
    await suite.proof.measure();
    expect(suite.servers.map(({ questions }) => questions.length)).toEqual([1, 1, 1, 1]);
  });

  it("that begins while it is being measured cannot be taken back by what was said in it", async () => {
    await startBefore(1);
    at(-1_500);
    let isOver = false;
    setAll({
      leap: 0,
      answers: (answer) => {
        if (!isOver) suite.clock.advance(900);
        isOver = true;
        return [answer];
      },
    });
    await suite.proof.measure();
    expect(suite.recorded.length).toBe(1);
    expect(state()).toBe("leap-second");
  });

  it("is not over because servers still announce it", async () => {
    await startBefore(1);
    at(500);
    await suite.proof.tick();
    expect(state()).toBe("leap-second");
    await suite.pass(16_000);
    expect(state()).toBe("available");
    expect(suite.recorded.at(-1)?.leapAt).toEqual(new Date("2027-02-01T00:00:00Z"));
  });

  it("is there for one who starts in the midst of it", async () => {
    await start({ start: "2027-01-01T00:00:00.300Z", servers: [{ leap: 1 }, { leap: 1 }, { leap: 1 }] });
    expect(state()).toBe("leap-second");
  });

  it("that a minority announces is none", async () => {
    await start({ start: "2026-12-31T23:59:50Z", servers: [{ leap: 1 }, { leap: 0 }, { leap: 0 }, { leap: 0 }] });
    at(0);
    expect(state()).toBe("available");
  });

  it("that was taken back is none", async () => {
    await startBefore(1);
    setAll({ leap: 0 });
    await suite.pass(64_000);
    at(0);
    expect(state()).toBe("available");
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
