import { describe, expect, it } from "vitest";
import { Oracle } from "./oracle.ts";

const GRACE = 2_000;
const asked = (oracle: Oracle, sentMs: number, receivedMs = sentMs + 5) => [
  ...oracle.allowed("ca:01", { fromMs: sentMs, toMs: receivedMs }),
];

describe("the oracle", () => {
  it("allows nothing but unknown of what was never issued", () => {
    expect(asked(new Oracle(GRACE), 1_000)).toEqual(["unknown"]);
  });

  it("gives a change its grace, from the moment it was acknowledged", () => {
    const oracle = new Oracle(GRACE);
    oracle.issued("ca:01", 100, 150);
    expect(asked(oracle, 2_150)).toEqual(["unknown", "good"]);
    expect(asked(oracle, 2_151)).toEqual(["good"]);
    oracle.asked("ca:01", "keyCompromise", 5_000);
    expect(asked(oracle, 4_000, 4_999)).toEqual(["good"]);
    expect(asked(oracle, 4_990, 5_001)).toEqual(["good", "keyCompromise"]);
    expect(asked(oracle, 60_000)).toEqual(["good", "keyCompromise"]);
    oracle.acknowledged("ca:01", 5_050);
    expect(asked(oracle, 7_050)).toEqual(["good", "keyCompromise"]);
    expect(asked(oracle, 7_051)).toEqual(["keyCompromise"]);
  });

  it("allows what came before and between until the last change is settled", () => {
    const oracle = new Oracle(GRACE);
    oracle.issued("ca:01", 0, 10);
    oracle.asked("ca:01", "certificateHold", 10_000);
    oracle.acknowledged("ca:01", 10_010);
    oracle.asked("ca:01", "good", 11_000);
    oracle.acknowledged("ca:01", 11_010);
    expect(asked(oracle, 11_500)).toEqual(["good", "certificateHold"]);
    expect(asked(oracle, 12_500)).toEqual(["certificateHold", "good"]);
    expect(asked(oracle, 13_500)).toEqual(["good"]);
  });

  it("does not count the time in which the ca was dead", () => {
    const oracle = new Oracle(GRACE);
    oracle.issued("ca:01", 0, 10);
    oracle.asked("ca:01", "superseded", 9_000);
    oracle.acknowledged("ca:01", 10_000);
    oracle.wasAway({ fromMs: 10_500, toMs: 15_500 });
    expect(asked(oracle, 16_000)).toEqual(["good", "superseded"]);
    expect(asked(oracle, 17_001)).toEqual(["superseded"]);
  });
});
