import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Interval, intersect } from "../src/clock/intersection.ts";
import { countVotes } from "../src/clock/quorum.ts";
import { failure, type Leap, type Measurement, type SourceKind, type SourceReport } from "../src/clock/source.ts";

const RULES = { minimumSources: 3, startMs: 0, driftPpm: 50 };
const measurement = (offsetMs: number, errorMs: number, more: Partial<Measurement> = {}): Measurement => ({
  status: "measured",
  ...{ offsetMs, errorMs, monotonicMs: 0, leap: "none", stratum: 2, reference: "GPS" },
  ...{ delayMs: 0, rootDelayMs: 0, rootDispersionMs: 0, ...more },
});
const SILENT = failure("unreachable", "no answer in time");
const heard = (reports: readonly SourceReport[], kind: SourceKind = "ntp") =>
  reports.map((report, i) => ({ name: `${kind}-${i}`, kind, report }));
const count = (...reports: SourceReport[]) => countVotes(heard(reports), RULES);
const falsetickers = ({ statements }: ReturnType<typeof count>) =>
  statements.filter(({ hasVote, agrees }) => hasVote && agrees === false).map(({ name }) => name);

describe("the intersection", () => {
  const of = (...pairs: [number, number][]): Interval[] => pairs.map(([lowMs, highMs]) => ({ lowMs, highMs }));

  it.each<[string, Interval[], number, Interval | undefined]>([
    ["of all", of([0, 10], [5, 15], [8, 20]), 3, { lowMs: 8, highMs: 10 }],
    ["of two out of three", of([0, 10], [5, 15], [100, 110]), 2, { lowMs: 5, highMs: 10 }],
    ["of intervals that touch", of([0, 10], [10, 20]), 2, { lowMs: 10, highMs: 10 }],
    ["of points", of([3, 3], [3, 3], [4, 4]), 2, { lowMs: 3, highMs: 3 }],
    ["of nothing common", of([0, 10], [11, 20]), 2, undefined],
    ["of too few", of([0, 10]), 2, undefined],
    ["of two camps spans both", of([0, 1], [0, 1], [9, 10], [9, 10]), 2, { lowMs: 0, highMs: 10 }],
    ["of a wide one that agrees with everyone", of([0, 1], [9, 10], [-100, 100]), 2, { lowMs: 0, highMs: 10 }],
  ])("%s", (_, intervals, votes, expected) => expect(intersect(intervals, votes)).toEqual(expected));

  const INTERVAL = fc
    .tuple(fc.integer({ min: -20, max: 20 }), fc.nat(12))
    .map(([lowMs, width]) => ({ lowMs, highMs: lowMs + width }));

  it("is what counting at every point gives", () => {
    fc.assert(
      fc.property(fc.array(INTERVAL, { maxLength: 9 }), fc.integer({ min: 1, max: 6 }), (intervals, votes) => {
        const points = Array.from({ length: 80 }, (_, i) => i - 40).filter(
          (point) => intervals.filter(({ lowMs, highMs }) => lowMs <= point && point <= highMs).length >= votes,
        );
        const [lowMs, highMs] = [points.at(0), points.at(-1)];
        expect(intersect(intervals, votes)).toEqual(lowMs === undefined ? undefined : { lowMs, highMs });
      }),
      { numRuns: 1_000 },
    );
  });
});

describe("the quorum", () => {
  it("has UTC in its interval whenever most sources are right, whatever the others say", () => {
    const honest = fc.tuple(
      fc.double({ min: -1, max: 1, noNaN: true }),
      fc.double({ min: 0.1, max: 900, noNaN: true }),
    );
    const liar = fc.tuple(
      fc.double({ min: -1e7, max: 1e7, noNaN: true }),
      fc.double({ min: 0, max: 1_000, noNaN: true }),
    );
    const UTC_MS = 123;
    fc.assert(
      fc.property(fc.array(honest, { minLength: 2, maxLength: 5 }), fc.array(liar, { maxLength: 4 }), (good, bad) => {
        fc.pre(good.length > bad.length);
        const truth = good.map(([where, errorMs]) => measurement(UTC_MS + where * errorMs, errorMs));
        const lies = bad.map(([offsetMs, errorMs]) => measurement(offsetMs, errorMs));
        const { status, interval } = countVotes(heard([...lies, ...truth]), { ...RULES, minimumSources: 2 });
        expect(status).toBe("agreed");
        expect(interval?.lowMs).toBeLessThanOrEqual(UTC_MS + 1e-6);
        expect(interval?.highMs).toBeGreaterThanOrEqual(UTC_MS - 1e-6);
      }),
      { numRuns: 1_000 },
    );
  });

  it("outvotes a falseticker and names it", () => {
    const quorum = count(measurement(1, 5), measurement(3_000, 5), measurement(-1, 5));
    expect(quorum).toMatchObject({ status: "agreed", interval: { lowMs: -4, highMs: 4 } });
    expect(falsetickers(quorum)).toEqual(["ntp-1"]);
  });

  it("outvotes two of five", () => {
    const quorum = count(
      measurement(1, 5),
      measurement(900, 5),
      measurement(0, 5),
      measurement(901, 5),
      measurement(2, 5),
    );
    expect(quorum.status).toBe("agreed");
    expect(falsetickers(quorum)).toEqual(["ntp-1", "ntp-3"]);
  });

  it("refuses two against two, and blames nobody", () => {
    const quorum = count(measurement(0, 5), measurement(900, 5), measurement(0, 5), measurement(900, 5));
    expect(quorum.status).toBe("disagreed");
    expect(quorum.interval).toBeUndefined();
    expect(falsetickers(quorum)).toEqual([]);
  });

  it("refuses three that all differ", () => {
    expect(count(measurement(0, 5), measurement(900, 5), measurement(-900, 5)).status).toBe("disagreed");
  });

  it("needs three answers", () => {
    expect(count(measurement(0, 5), SILENT, measurement(0, 5)).status).toBe("too-few");
    expect(count(measurement(0, 5), SILENT, measurement(0, 5), measurement(0, 5)).status).toBe("agreed");
  });

  it("counts the silent: three of seven are no majority, though they agree", () => {
    const three = [measurement(0, 5), measurement(0, 5), measurement(0, 5)];
    expect(count(...three, SILENT, SILENT, SILENT, SILENT).status).toBe("too-few");
    expect(count(...three, SILENT, SILENT).status).toBe("agreed");
    expect(count(...three.slice(1), measurement(800, 5), SILENT, SILENT).status).toBe("disagreed");
  });

  it("gives a server one vote, whatever names it has", () => {
    const same = measurement(700, 5, { address: "192.0.2.1:123" });
    const quorum = count(same, same, measurement(0, 5), measurement(0, 5), measurement(1, 5));
    expect(quorum.status).toBe("agreed");
    expect(quorum.statements.map(({ hasVote }) => hasVote)).toEqual([true, false, true, true, true]);
    expect(count(same, same, same).status).toBe("too-few");
  });

  it("hears the machine's daemon without a vote", () => {
    const daemon = (report: SourceReport) => heard([report], "daemon");
    const two = heard([measurement(0, 5), measurement(0, 5)]);
    expect(countVotes([...two, ...daemon(measurement(0, 5))], RULES).status).toBe("too-few");
    const camps = heard([measurement(0, 5), measurement(0, 5), measurement(900, 5), measurement(900, 5)]);
    expect(countVotes([...camps, ...daemon(measurement(0, 5))], RULES).status).toBe("disagreed");
    const three = heard([measurement(0, 5), measurement(0, 5), measurement(0, 5)]);
    const { status, statements } = countVotes([...three, ...daemon(measurement(400, 5))], RULES);
    expect(status).toBe("agreed");
    expect(statements.at(-1)).toMatchObject({ kind: "daemon", hasVote: false, agrees: false });
  });

  it("takes the daemon's word where there is nobody else", () => {
    const rules = { ...RULES, minimumSources: 1 };
    expect(countVotes(heard([measurement(0, 5)], "daemon"), rules).status).toBe("agreed");
    expect(countVotes(heard([failure("absent", "not installed")], "daemon"), rules).status).toBe("too-few");
  });

  it("widens what was measured later by what the counter may have run wrong since", () => {
    const late = measurement(0, 5, { monotonicMs: 2_000 });
    expect(count(late, late, late).interval).toEqual({ lowMs: -5.1, highMs: 5.1 });
  });

  it.each<[readonly Leap[], Leap]>([
    [["insert", "insert", "none"], "insert"],
    [["insert", "none", "none"], "none"],
    [["delete", "delete", "delete"], "delete"],
    [["insert", "delete", "none"], "none"],
    [["insert", "insert", "none", "none"], "none"],
  ])("announces the leap second of the majority: %j", (leaps, expected) => {
    expect(count(...leaps.map((leap) => measurement(0, 5, { leap }))).leap).toBe(expected);
  });

  it("does not ask falsetickers about leap seconds", () => {
    const liars = [measurement(900, 5, { leap: "insert" }), measurement(901, 5, { leap: "insert" })];
    const honest = [measurement(0, 5), measurement(1, 5), measurement(0, 5, { leap: "insert" })];
    expect(count(...liars, ...honest).leap).toBe("none");
  });
});
