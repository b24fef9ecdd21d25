import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { contextOf, maintain, type Settings, storeOf } from "@vcc-pki/agent";
import { bundleAgent } from "@vcc-pki/agent/bundle";
import { startSuite } from "@vcc-pki/suite-tool";
import { silentLogger } from "@vcc-pki/telemetry";
import { systemClock } from "@vcc-pki/time";
import { type Admin, adminOf } from "../agents/admin.ts";
import { buildFleet } from "../agents/fleet.ts";
import type { Bench } from "../bench.ts";
import { residentMegabytes } from "../resident-memory.ts";

const AGENTS = 1_000;
/** As `vcc-agent run` spreads what the gateway asks of all agents at once. */
const SPREAD_MS = 2_000;
const WAVE_TARGET_S = 60;
const MEMORY_TARGET_MB = 60;
const SETTLE_MS = 8_000;

/** A thousand agents renew at once, as when the gateway tells all of them: each asks for the roots, makes a key, gets its certificate over a connection of
 *  its own, writes its files and reports. They share one process, one disk and the machine with the suite. */
export const agents: Bench = {
  name: "agents",
  summary: "1,000 agents renew at once; resident memory of an agent",
  async run({ runs, workDirectory, progress }) {
    progress("starting a suite");
    const suite = await startSuite(join(workDirectory, "suite"));
    const admin = adminOf(suite);
    try {
      progress(`registering and certifying ${AGENTS.toLocaleString("en-US")} services`);
      const settings = await buildFleet(suite, admin, join(workDirectory, "fleet"), AGENTS);
      const waves: Wave[] = [];
      for (let run = 0; run < runs; run++) {
        progress(`wave ${run + 1} of ${runs}`);
        waves.push(await renewAll(settings));
      }
      progress("an agent on its own");
      const resident = await measureAgent(admin, settings, workDirectory);
      return [
        {
          ...{ name: "renewal of 1,000 agents, until the last", unit: "s", target: { atMost: WAVE_TARGET_S } },
          values: waves.map(({ seconds }) => seconds),
        },
        {
          ...{ name: "renewals that failed", unit: "renewals", target: { atMost: 0 } },
          values: waves.map(({ failures }) => failures),
        },
        {
          ...{ name: "an agent, idle", unit: "MB", values: [resident], target: { atMost: MEMORY_TARGET_MB } },
          baselines: [{ name: "an empty Node process that has loaded node:https, MB", value: await measureEmpty() }],
        },
      ];
    } finally {
      admin.close();
      await suite.stop();
    }
  },
};

interface Wave {
  readonly seconds: number;
  readonly failures: number;
}

async function renewAll(settings: Settings): Promise<Wave> {
  const world = { clock: systemClock, log: silentLogger, random: Math.random };
  const from = systemClock.monotonicMs();
  const renewed = await Promise.all(
    settings.identities.map(async (identity) => {
      const before = storeOf(settings, identity.name).read().held?.serialHex;
      await sleep(Math.random() * SPREAD_MS);
      const { lastError, deployed, reports } = await maintain(contextOf(identity, settings, world), {
        renew: true,
        now: true,
      });
      return lastError === undefined && deployed?.serialHex !== before && reports.length === 0;
    }),
  );
  const seconds = (systemClock.monotonicMs() - from) / 1_000;
  return { seconds, failures: renewed.filter((isRenewed) => !isRenewed).length };
}

/** `vcc-agent run`, bundled, with one identity of the fleet and its stream, a while after its start. */
async function measureAgent({ server }: Admin, { stateDir }: Settings, workDirectory: string): Promise<number> {
  const config = join(workDirectory, "agent.yaml");
  const identities = [{ organisation: "brandenburg", service: "agent-0" }];
  writeFileSync(config, JSON.stringify({ server, stateDir, identities })); // JSON is YAML.
  const main = await bundleAgent(join(workDirectory, "bundle"));
  const agent = spawn(process.execPath, [main, "run", "--config", config], { stdio: "ignore" });
  try {
    await sleep(SETTLE_MS);
    return residentMegabytes(agent.pid ?? 0);
  } finally {
    agent.kill();
  }
}

async function measureEmpty(): Promise<number> {
  const script = "require('node:https'); console.log(); setInterval(() => {}, 1e6)";
  const child = spawn(process.execPath, ["-e", script], { stdio: ["ignore", "pipe", "ignore"] });
  await once(child.stdout, "data");
  try {
    return residentMegabytes(child.pid ?? 0);
  } finally {
    child.kill();
  }
}
