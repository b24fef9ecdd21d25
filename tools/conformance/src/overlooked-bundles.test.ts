import { BUNDLE_CORRUPTIONS } from "@vcc-pki/artefact/bundle-corruptions";
import { describe, expect, it } from "vitest";
import { findOverlookedBundle, OVERLOOKED_BUNDLES } from "./overlooked-bundles.ts";

const JUDGES = Object.keys(OVERLOOKED_BUNDLES);
const CHANGED_FILES = ["a changed file", "a missing file", "a further file", "a renamed file"];
const CHANGED_SHARDS = ["a changed last shard", "a further empty file"];
const crafted = [...BUNDLE_CORRUPTIONS.map(({ what }) => what), ...CHANGED_FILES, ...CHANGED_SHARDS];

describe("what judges of bundles overlook", () => {
  it.each(JUDGES)("in %s are corruptions that there are, each for one reason", (judge) => {
    const named = Object.values(OVERLOOKED_BUNDLES[judge] ?? {}).flat();
    expect(named.filter((what) => !crafted.includes(what))).toEqual([]);
    expect(named.length).toBe(new Set(named).size);
  });

  it("leaves none that is wrong about the signature", () => {
    const wrong = BUNDLE_CORRUPTIONS.filter(({ codes }) => codes[0] === "SIGNATURE_INVALID");
    for (const { what } of wrong)
      expect(JUDGES.filter((judge) => findOverlookedBundle(judge, what) !== undefined)).toEqual([]);
  });
});
