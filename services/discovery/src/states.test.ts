import { describe, expect, it } from "vitest";
import { type Change, STATES, stateAfter, TRANSITIONS } from "./states.ts";

describe("the life of a service", () => {
  it("reaches every state from the first one", () => {
    const reached = new Set<string>(["none"]);
    for (let size = 0; size !== reached.size; ) {
      size = reached.size;
      for (const from of [...reached])
        for (const change of Object.keys(TRANSITIONS) as Change[]) {
          const to = stateAfter(change, from === "none" ? undefined : (from as (typeof STATES)[number]));
          if (to !== undefined) reached.add(to);
        }
    }
    expect([...reached].sort()).toEqual(["none", ...STATES].sort());
  });

  it("becomes active by nothing but an approval and a certificate", () => {
    const into = (state: string) =>
      Object.entries(TRANSITIONS).flatMap(([change, ways]) =>
        Object.entries(ways).flatMap(([from, to]) => (to === state && from !== state ? [`${from} ${change}`] : [])),
      );
    expect(into("pending_cert").sort()).toEqual([
      ...["active lapsed", "discovered approved", "inactive approved", "pending_approval approved"],
      "unreachable lapsed",
    ]);
    expect(into("active").sort()).toEqual(["pending_cert certified", "unreachable reached"]);
    expect(into("unreachable")).toEqual(["active unreachable"]);
  });

  it("ends in every state, and begins anew", () => {
    for (const state of STATES) expect(stateAfter("removed", state) ?? state).toBe("inactive");
    expect(stateAfter("approved", "inactive")).toBe("pending_cert");
  });
});
