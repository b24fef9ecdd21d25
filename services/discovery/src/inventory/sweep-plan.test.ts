import { Network } from "@vcc-pki/network";
import { describe, expect, it } from "vitest";
import { inParallel } from "./pool.ts";
import { SweepPlan } from "./sweep-plan.ts";

const plan = (networks: string[], ports: number[], maxTargets = 100_000) =>
  new SweepPlan(
    networks.map((text) => new Network(text)),
    ports,
    maxTargets,
  );
const all = (swept: SweepPlan) => Array.from({ length: swept.total }, (_, i) => Object.values(swept.at(i)).join(" "));

describe("the plan of a sweep", () => {
  it("has every address of every network at every port, once", () => {
    const swept = plan(["10.0.0.254/31", "10.0.1.0/30", "fd00::fffe/127"], [443, 8443]);
    expect(all(swept)).toEqual(
      [443, 8443].flatMap((port) =>
        ["10.0.0.254", "10.0.0.255", "10.0.1.0", "10.0.1.1", "10.0.1.2", "10.0.1.3", "fd00::fffe", "fd00::ffff"].map(
          (host) => `${host} ${port}`,
        ),
      ),
    );
  });

  it("carries over octets", () => {
    const swept = plan(["10.0.0.0/15"], [443], 1_000_000);
    expect(swept.total).toBe(131_072);
    expect(swept.at(65_535).host).toBe("10.0.255.255");
    expect(swept.at(65_536).host).toBe("10.1.0.0");
    expect(swept.at(131_071).host).toBe("10.1.255.255");
    expect(() => swept.at(131_072)).toThrow(RangeError);
  });

  it("is no larger than it may be", () => {
    const tooLarge = expect.objectContaining({ code: "REQUEST_TOO_LARGE" });
    expect(() => plan(["10.0.0.0/24"], [1, 2], 511)).toThrow(tooLarge);
    expect(plan(["10.0.0.0/24"], [1, 2], 512).total).toBe(512);
    expect(() => plan(["::/0"], [443])).toThrow(tooLarge);
  });
});

describe("work in parallel", () => {
  it("is so many at once, and all of it", async () => {
    let running = 0;
    let most = 0;
    const done: number[] = [];
    await inParallel([1, 2, 3, 4, 5, 6, 7], { atOnce: 3 }, async (item) => {
      most = Math.max(most, ++running);
      await new Promise(setImmediate);
      running--;
      done.push(item);
    });
    expect([most, done.sort()]).toEqual([3, [1, 2, 3, 4, 5, 6, 7]]);
  });

  it("ends with its signal, and with what is thrown", async () => {
    const stopping = new AbortController();
    const begun: number[] = [];
    await inParallel([1, 2, 3], { atOnce: 1, signal: stopping.signal }, async (item) => {
      begun.push(item);
      if (item === 2) stopping.abort();
    });
    expect(begun).toEqual([1, 2]);
    const failing = inParallel([1], { atOnce: 2 }, () => Promise.reject(new Error("no")));
    await expect(failing).rejects.toThrow("no");
  });
});
