import { afterEach, beforeEach, describe, expect, it } from "vitest";
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
