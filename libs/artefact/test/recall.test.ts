import { describe, expect, it } from "vitest";
import { evidence, hours, RECALL_CASES, sound } from "./recall-cases.ts";
import { policy, refusals, signManifest, verify } from "./relying-party.ts";
import { materialOf, signBundle } from "./signed-bundle.ts";

describe.each([
  ["a directory with a signed manifest", signManifest()],
  ["a bundle", materialOf(signBundle())],
])("%s", (_, material) => {
  it.each(RECALL_CASES)("with %s", (_what, recall, codes) => {
    expect(refusals({ material, recall, policy: { ...policy, recall: "required" } })).toEqual(codes);
  });

  it("needs no list where the policy does not ask for one, but then one that counts", () => {
    expect(verify({ material }).ok).toBe(true);
    expect(refusals({ material, recall: evidence(sound, { at: hours(35) }) })).toEqual(["RECALL_LIST_NOT_CURRENT"]);
  });
});
