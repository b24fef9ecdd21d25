import { setTimeout as sleep } from "node:timers/promises";
import type { Bench, Figure } from "../bench.ts";
import { residentMegabytes } from "../resident-memory.ts";
import { startSuite } from "../suite.ts";

const SERVICES = ["hsm-gateway", "ca", "gateway"] as const;
const IDLE_TARGET_MB = 120;
const SETTLE_MS = 5_000;
const BETWEEN_RUNS_MS = 2_000;

/** What each service keeps resident when nothing happens, a while after its start. */
export const memory: Bench = {
  name: "memory",
  summary: "resident memory of each idle service",
  async run({ runs, workDirectory, progress }) {
    progress("starting a suite");
    const suite = await startSuite(workDirectory);
    try {
      await sleep(SETTLE_MS);
      const samples = new Map(SERVICES.map((service) => [service, [] as number[]]));
      for (let sample = 0; sample < runs; sample++) {
        if (sample > 0) await sleep(BETWEEN_RUNS_MS);
        for (const [service, values] of samples) values.push(residentMegabytes(suite.pidOf(service)));
      }
      return [...samples].map(
        ([service, values]): Figure => ({
          name: `${service}, idle`,
          unit: "MB",
          values,
          target: { atMost: IDLE_TARGET_MB },
        }),
      );
    } finally {
      await suite.stop();
    }
  },
};
