import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Bench } from "./bench.ts";
import { hsmStream } from "./benches/hsm-stream.ts";
import { issuance } from "./benches/issuance.ts";
import { list } from "./benches/list.ts";
import { memory } from "./benches/memory.ts";
import { describeMachine } from "./machine.ts";
import { buildReport, type Report, renderTable } from "./report.ts";

export const BENCHES: readonly Bench[] = [issuance, hsmStream, list, memory];

export interface RunOptions {
  readonly runs: number;
  readonly json: boolean;
}

/** Runs the benches one after another, each in an empty directory of its own, and prints what they measured. */
export async function runBenches(benches: readonly Bench[], { runs, json }: RunOptions): Promise<void> {
  const machine = describeMachine();
  const progress = (message: string) => console.error(`  ${message}`);
  const reports: Report[] = [];
  if (!json)
    console.log(`${machine.cpu}, ${machine.cores} cores, ${machine.platform}, Node ${machine.node}, ${runs} runs\n`);
  for (const bench of benches) {
    console.error(`${bench.name}: ${bench.summary}`);
    const workDirectory = await mkdtemp(join(tmpdir(), `vcc-pki-bench-${bench.name}-`));
    try {
      const report = buildReport(bench.name, machine, await bench.run({ runs, workDirectory, progress }));
      reports.push(report);
      if (!json) console.log(`${renderTable(report)}\n`);
    } finally {
      await rm(workDirectory, { recursive: true, force: true });
    }
  }
  if (json) console.log(JSON.stringify(reports, null, 2));
}
