import { describe, expect, it } from "vitest";
import { BACK_OFF_MS, backOffMs, idleMs, isBundleDue, mayTry, renewalMoment } from "./schedule.ts";
import { EMPTY_STATE } from "./state.ts";

const DAY = 86_400_000;
const at = (ms: number) => new Date(Date.parse("2026-11-01T00:00:00Z") + ms);
const life = { notBefore: at(0), notAfter: at(90 * DAY) };

describe("when to renew", () => {
  it("is what the gateway says, moved by up to five percent of the life", () => {
    const proposed = at(60 * DAY);
    expect(renewalMoment(life, proposed, 0.5)).toEqual(proposed);
    expect(renewalMoment(life, proposed, 0)).toEqual(at(55.5 * DAY));
    expect(renewalMoment(life, proposed, 1)).toEqual(at(64.5 * DAY));
  });

  it("is two thirds of the life when the gateway says something impossible", () => {
    expect(renewalMoment(life, at(-DAY), 0.5)).toEqual(at(60 * DAY));
    expect(renewalMoment(life, at(91 * DAY), 0.5)).toEqual(at(60 * DAY));
  });

  it("is before the end, whatever chance says", () => {
    expect(renewalMoment(life, at(89.9 * DAY), 1).getTime()).toBeLessThan(life.notAfter.getTime());
  });
});

describe("after failures", () => {
  it("waits twice as long each time, up to a limit, and never quite the same", () => {
    const waits = [1, 2, 3, 20].map((failures) => backOffMs(failures, 0.5));
    expect(waits).toEqual([BACK_OFF_MS.first, 2 * BACK_OFF_MS.first, 4 * BACK_OFF_MS.first, BACK_OFF_MS.most]);
    expect(backOffMs(1, 0)).toBeLessThan(backOffMs(1, 1));
  });

  it("tries when the time has come, and when a wrong clock had set it", () => {
    const waiting = { ...EMPTY_STATE, nextAttemptAt: at(60_000) };
    expect(mayTry(waiting, at(0))).toBe(false);
    expect(mayTry(waiting, at(60_000))).toBe(true);
    expect(mayTry(waiting, at(-365 * DAY))).toBe(true);
  });
});

describe("in between", () => {
  it("looks at the roots every hour, and when the clock went back", () => {
    const seen = { ...EMPTY_STATE, bundleSeenAt: at(0) };
    expect([at(1), at(3_600_000), at(-1)].map((now) => isBundleDue(seen, now))).toEqual([false, true, true]);
  });

  it("knows how long there is nothing to do", () => {
    expect(idleMs({ ...EMPTY_STATE, bundleSeenAt: at(0) }, at(600_000))).toBe(3_000_000);
    expect(idleMs({ ...EMPTY_STATE, nextAttemptAt: at(5_000) }, at(0))).toBe(5_000);
  });
});
