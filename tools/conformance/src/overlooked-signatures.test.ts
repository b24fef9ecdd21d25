import { CADES_CORRUPTIONS } from "@vcc-pki/x509/cades-corruptions";
import { describe, expect, it } from "vitest";
import { findOverlookedSignature, OVERLOOKED_SIGNATURES } from "./overlooked-signatures.ts";

const JUDGES = Object.keys(OVERLOOKED_SIGNATURES);
const crafted = CADES_CORRUPTIONS.map(({ what }) => what);

describe("what judges of signatures overlook", () => {
  it.each(JUDGES)("in %s are corruptions that there are, each for one reason", (judge) => {
    const named = Object.values(OVERLOOKED_SIGNATURES[judge] ?? {}).flat();
    expect(named.filter((what) => !crafted.includes(what))).toEqual([]);
    expect(named.length).toBe(new Set(named).size);
  });

  it("leaves none that is wrong about content, key or signature", () => {
    const wrong = CADES_CORRUPTIONS.filter(({ check }) => ["message-digest", "signature"].includes(check));
    for (const { what } of wrong)
      expect(JUDGES.filter((judge) => findOverlookedSignature(judge, what) !== undefined)).toEqual([]);
  });
});
