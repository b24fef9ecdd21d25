import { spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { startSuite } from "@vcc-pki/suite-tool";
import type { Bench, Figure } from "../bench.ts";
import { residentMegabytes } from "../resident-memory.ts";

const SERVICES = ["hsm-gateway", "ca", "ocsp", "tsa", "signing", "discovery", "lifecycle", "gateway"] as const;
const IDLE_TARGET_MB = 120;
const SETTLE_MS = 5_000;
const BETWEEN_RUNS_MS = 2_000;

/** What each service keeps resident when nothing happens, a while after its start. */
export const memory: Bench = {
  name: "memory",
  summary: "resident memory of each idle service, against an empty Node process",
  async run({ runs, workDirectory, progress }) {
    progress("starting a suite");
    const suite = await startSuite(workDirectory);
    try {
      const baselines = [{ name: "empty Node process, MB", value: await measureEmptyProcess() }];
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
          baselines,
        }),
      );
    } finally {
      await suite.stop();
    }
  },
};

async function measureEmptyProcess(): Promise<number> {
  const child = spawn(process.execPath, ["-e", "console.log(); setInterval(() => {}, 1e6)"], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  await once(child.stdout, "data");
  const megabytes = residentMegabytes(child.pid ?? 0);
  child.kill();
  return megabytes;
}
