import type { Clock } from "@vcc-pki/time";
import type { ClockSource } from "./source.ts";

/** For development: says that the clock is right, which nobody has checked. Evidence that rests on it is not proven and says so. */
export const unprovenSource = (clock: Clock): ClockSource => ({
  name: "unproven",
  kind: "unproven",
  measure: async () => ({
    status: "measured",
    ...{ offsetMs: 0, errorMs: 0, monotonicMs: clock.monotonicMs(), leap: "none" },
    ...{ stratum: 16, reference: "NONE", delayMs: 0, rootDelayMs: 0, rootDispersionMs: 0 },
  }),
});
