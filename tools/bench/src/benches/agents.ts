import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { contextOf, maintain, type Settings, type State, storeOf } from "@vcc-pki/agent";
import { bundleAgent, NODE_FLAGS } from "@vcc-pki/agent/bundle";
import { startSuite } from "@vcc-pki/suite-tool";
import { silentLogger } from "@vcc-pki/telemetry";
import { systemClock } from "@vcc-pki/time";
import { type Admin, adminOf } from "../agents/admin.ts";
import { buildFleet } from "../agents/fleet.ts";
import type { Bench } from "../bench.ts";
import { residentMegabytes } from "../resident-memory.ts";

const AGENTS = 1_000;
/** A thousand machines have a thousand disks: one that all wait for would be what is measured. */
const MEMORY_DISK = "/dev/shm";
/** So many does one process keep up with that shares two cores with the suite; on machines of their own, agents spread themselves over 15 s. */
const IN_FLIGHT = 64;
const WAVE_TARGET_S = 60;
const MEMORY_TARGET_MB = 60;
const SETTLE_MS = 8_000;

/** A thousand agents renew as soon as they can, 64 at a time: each asks for the roots, makes a key, gets its certificate over a connection of its own,
 *  writes its files and reports. They share one process, a disk in memory, and the machine with the suite. */
export const agents: Bench = {
  name: "agents",
  summary: "1,000 agents renew at once; resident memory of an agent",
  async run({ runs, workDirectory, progress }) {
    progress("starting a suite");
    const suite = await startSuite(join(workDirectory, "suite"));
    const admin = adminOf(suite);
    const fleet = mkdtempSync(join(existsSync(MEMORY_DISK) ? MEMORY_DISK : workDirectory, "vcc-pki-fleet-"));
    try {
      progress(`registering and certifying ${AGENTS.toLocaleString("en-US")} services`);
      const settings = await buildFleet(suite, admin, fleet, AGENTS);
      const waves: Wave[] = [];
      for (let run = 0; run < runs; run++) {
        progress(`wave ${run + 1} of ${runs}`);
        waves.push(await renewAll(settings, progress));
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
      rmSync(fleet, { recursive: true, force: true });
    }
  },
};

interface Wave {
  readonly seconds: number;
  readonly failures: number;
}

async function renewAll(settings: Settings, progress: (message: string) => void): Promise<Wave> {
  const world = { clock: systemClock, log: silentLogger, random: Math.random };
  const reasons = new Map<string, number>();
  const from = systemClock.monotonicMs();
  let next = 0;
  const work = async () => {
    for (let identity = settings.identities[next++]; identity; identity = settings.identities[next++]) {
      const before = storeOf(settings, identity.name).read().held?.serialHex;
      const state = await maintain(contextOf(identity, settings, world), { renew: true, now: true });
      const reason = whyNot(state, before);
      if (reason !== undefined) reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, work));
  const seconds = (systemClock.monotonicMs() - from) / 1_000;
  for (const [reason, count] of reasons) progress(`failed ${count} times: ${reason}`);
  return { seconds, failures: [...reasons.values()].reduce((sum, count) => sum + count, 0) };
}

/** What is missing from a renewal: a new certificate, in its files, and the gateway's knowing it. */
function whyNot({ lastError, deployed, reports }: State, before: string | undefined): string | undefined {
  if (lastError) return `${lastError.code}: ${lastError.message}`;
  if (deployed === undefined || deployed.serialHex === before) return "no new certificate";
  return reports.length > 0 ? "the report was not taken" : undefined;
}

/** `vcc-agent run`, bundled, with one identity of the fleet and its stream, a while after its start. */
async function measureAgent({ server }: Admin, { stateDir }: Settings, workDirectory: string): Promise<number> {
  const config = join(workDirectory, "agent.yaml");
  const identities = [{ organisation: "brandenburg", service: "agent-0" }];
  writeFileSync(config, JSON.stringify({ server, stateDir, identities })); // JSON is YAML.
  const main = await bundleAgent(join(workDirectory, "bundle"));
  const agent = spawn(process.execPath, [...NODE_FLAGS, main, "run", "--config", config], { stdio: "ignore" });
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
