import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Bench } from "./bench.ts";
import { agents } from "./benches/agents.ts";
import { artefact } from "./benches/artefact.ts";
import { enrol } from "./benches/enrol.ts";
import { hsmStream } from "./benches/hsm-stream.ts";
import { issuance } from "./benches/issuance.ts";
import { list } from "./benches/list.ts";
import { memory } from "./benches/memory.ts";
import { ocsp } from "./benches/ocsp.ts";
import { ocspMillion } from "./benches/ocsp-million.ts";
import { policy } from "./benches/policy.ts";
import { revocation } from "./benches/revocation.ts";
import { signing } from "./benches/signing.ts";
import { statusSigning } from "./benches/status-signing.ts";
import { sweep } from "./benches/sweep.ts";
import { tsa } from "./benches/tsa.ts";
import { tsaLog } from "./benches/tsa-log.ts";
import { describeMachine } from "./machine.ts";
import { missingPrograms, PACKAGES } from "./programs.ts";
import { buildReport, type Report, renderTable } from "./report.ts";

export const BENCHES: readonly Bench[] = [
  issuance,
  hsmStream,
  list,
  ocsp,
  ocspMillion,
  revocation,
  statusSigning,
  tsa,
  tsaLog,
  signing,
  artefact,
  enrol,
  agents,
  sweep,
  policy,
  memory,
];

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
    const missing = missingPrograms(bench.needs ?? []);
    if (missing.length > 0) {
      const packages = missing.map((program) => PACKAGES[program]).join(" ");
      console.error(`${bench.name}: SKIPPED, ${missing.join(", ")} missing; Debian: apt-get install ${packages}`);
      continue;
    }
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
