import { setTimeout as sleep } from "node:timers/promises";
import { type GrpcService, probeReadyz, type Suite } from "@vcc-pki/suite-tool";

const LOOK_EVERY_MS = 50;

/** A process that somebody starts again when it has died. */
export interface Victim {
  readonly name: string;
  /** Throws while none runs. */
  pid(): number;
  isReady(): Promise<boolean>;
}

/** A process of a suite. NATS has no address where it says how it is, and is back when it runs. */
export const victimIn = (suite: Suite, name: string): Victim => ({
  name,
  pid: () => suite.pidOf(name),
  async isReady() {
    if (name === "nats") return true;
    return (await probeReadyz("127.0.0.1", suite.healthPortOf(name as GrpcService))).ready;
  },
});

export interface Outage {
  readonly process: string;
  readonly fromMs: number;
  /** When the process that was started in its place was ready. */
  readonly toMs: number;
}

export interface KillerOptions {
  readonly victims: readonly Victim[];
  readonly everyMs: number;
  readonly nowMs: () => number;
  readonly onKilled: (process: string) => void;
  readonly onBack: (outage: Outage) => void;
}

/** Kills processes as kill -9 does, each again and again until it is stopped, and sees them come back. */
export function startKiller(options: KillerOptions): { stop(): Promise<void> } {
  const stopping = new AbortController();
  const { signal } = stopping;
  const { victims, everyMs } = options;
  const keepKilling = async (victim: Victim, index: number): Promise<void> => {
    // Not all at the same moment: one after the other within the interval, and the second not before the first could come back.
    await sleep(everyMs * (1 - (0.45 * index) / victims.length), undefined, { signal }).catch(() => {});
    while (!signal.aborted) {
      const startedMs = options.nowMs();
      await killOnce(victim, options);
      const restMs = Math.max(0, everyMs - (options.nowMs() - startedMs));
      await sleep(restMs, undefined, { signal }).catch(() => {});
    }
  };
  const running = Promise.all(victims.map(keepKilling));
  return {
    /** Resolves when what was killed last is back. */
    async stop() {
      stopping.abort();
      await running;
    },
  };
}

async function killOnce(victim: Victim, { nowMs, onKilled, onBack }: KillerOptions): Promise<void> {
  const { name } = victim;
  const pid = victim.pid();
  process.kill(pid, "SIGKILL");
  const fromMs = nowMs();
  onKilled(name);
  while (!(await isBack(victim, pid))) await sleep(LOOK_EVERY_MS);
  onBack({ process: name, fromMs, toMs: nowMs() });
}

async function isBack(victim: Victim, deadPid: number): Promise<boolean> {
  try {
    if (victim.pid() === deadPid) return false;
  } catch {
    return false;
  }
  return victim.isReady();
}

/** How often each process was killed, and the longest time from that until another was ready in its place. */
export function outageFigures(outages: readonly Outage[]) {
  const kills: Record<string, number> = {};
  const longestRestartMs: Record<string, number> = {};
  for (const { process, fromMs, toMs } of outages) {
    kills[process] = (kills[process] ?? 0) + 1;
    longestRestartMs[process] = Math.max(longestRestartMs[process] ?? 0, Math.round(toMs - fromMs));
  }
  return { kills, longestRestartMs };
}
