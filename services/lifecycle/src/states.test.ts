import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isLiving, STATES, type State, stateAfter, TRANSITIONS } from "./states.ts";

const CHANGES = Object.keys(TRANSITIONS) as (keyof typeof TRANSITIONS)[];

describe("the life of a certificate", () => {
  it.each<[string, readonly (keyof typeof TRANSITIONS)[], State]>([
    ["in use, and renewed in time", ["served", "due", "told", "succeeded", "replaced"], "renewed"],
    ["renewed without a word", ["succeeded", "replaced"], "renewed"],
    ["nobody was seen using its successor", ["due", "succeeded", "outlived"], "renewed"],
    ["forgotten", ["served", "due", "ended"], "expired"],
    ["told, and nothing came", ["served", "due", "told", "ended"], "expired"],
    ["revoked while it was renewed", ["served", "succeeded", "revoked", "replaced"], "revoked"],
    ["revoked after it was replaced", ["succeeded", "replaced", "revoked"], "revoked"],
  ])("%s", (_, changes, end) => {
    expect(changes.reduce<State>((state, change) => stateAfter(change, state) ?? state, "issued")).toBe(end);
  });

  it("comes back from a hold as it was", () => {
    for (const state of STATES.filter(isLiving)) {
      expect(stateAfter("held", state)).toBe("suspended");
      expect(stateAfter("released", "suspended", state)).toBe(state);
    }
  });

  it("never comes back from its end, whatever happens", () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...CHANGES), { maxLength: 12 }), (changes) => {
        let state: State = "issued";
        let ended: State | undefined;
        for (const change of changes) {
          state = stateAfter(change, state, "issued") ?? state;
          if (ended === "revoked") expect(state).toBe("revoked");
          if (ended === "expired") expect(["expired", "revoked"]).toContain(state);
          if (state === "revoked" || state === "expired") ended = state;
        }
      }),
    );
  });
});
