import { setTimeout as sleep } from "node:timers/promises";
import { probeReadyz, type Suite } from "@vcc-pki/suite-tool";

/** Where services say how they are, before PKI_PORT_OFFSET; NATS has no such address and is back when it runs. */
const HEALTH_PORTS: Readonly<Record<string, number>> = { "hsm-gateway": 9401, ca: 9402, ocsp: 9403, tsa: 9404 };
const LOOK_EVERY_MS = 50;

export interface Outage {
  readonly process: string;
  readonly fromMs: number;
  /** When the process that the supervisor started in its place was ready. */
  readonly toMs: number;
}

export interface KillerOptions {
  readonly suite: Suite;
  readonly kill: readonly string[];
  readonly everyMs: number;
  readonly nowMs: () => number;
  readonly onKilled: (process: string) => void;
  readonly onBack: (outage: Outage) => void;
}

/** Kills processes of a suite as kill -9 does, each again and again until it is stopped, and sees them come back. */
export function startKiller(options: KillerOptions): { stop(): Promise<void> } {
  const stopping = new AbortController();
  const { signal } = stopping;
  const { kill, everyMs } = options;
  const keepKilling = async (process: string, index: number): Promise<void> => {
    // Not all at the same moment: one after the other within the interval, and the second not before the first could come back.
    await sleep(everyMs * (1 - (0.45 * index) / kill.length), undefined, { signal }).catch(() => {});
    while (!signal.aborted) {
      const startedMs = options.nowMs();
      await killOnce(process, options);
      const restMs = Math.max(0, everyMs - (options.nowMs() - startedMs));
      await sleep(restMs, undefined, { signal }).catch(() => {});
    }
  };
  const running = Promise.all(kill.map(keepKilling));
  return {
    /** Resolves when what was killed last is back. */
    async stop() {
      stopping.abort();
      await running;
    },
  };
}

async function killOnce(name: string, { suite, nowMs, onKilled, onBack }: KillerOptions): Promise<void> {
  const pid = suite.pidOf(name);
  process.kill(pid, "SIGKILL");
  const fromMs = nowMs();
  onKilled(name);
  while (!(await isBack(suite, name, pid))) await sleep(LOOK_EVERY_MS);
  onBack({ process: name, fromMs, toMs: nowMs() });
}

async function isBack(suite: Suite, name: string, deadPid: number): Promise<boolean> {
  const port = HEALTH_PORTS[name];
  try {
    // The file is gone while nothing runs.
    if (suite.pidOf(name) === deadPid) return false;
  } catch {
    return false;
  }
  return port === undefined || (await probeReadyz("127.0.0.1", port + suite.portOffset)).ready;
}
