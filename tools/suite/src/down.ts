import { setTimeout as sleep } from "node:timers/promises";
import type { Clock } from "@vcc-pki/time";
import type { Home } from "./home.ts";
import { isLocked } from "./lock.ts";
import { findSuiteRecord } from "./state.ts";

const POLL_MS = 100;

export interface DownOptions {
  readonly home: Home;
  readonly clock: Clock;
  /** After which the supervisor is killed, and with it whatever still runs. Longer than it gives its processes. */
  readonly patienceMs: number;
}

/** Stops the suite of a home and waits until it is gone. Answers what it found: "not running", "stopped", "killed". */
export async function down({ home, clock, patienceMs }: DownOptions): Promise<"not running" | "stopped" | "killed"> {
  if (!isLocked(home)) return "not running";
  const startedMs = clock.monotonicMs();
  let told: number | undefined;
  while (isLocked(home)) {
    // The record appears a moment after the lock. A ceremony holds the lock without one: it is waited for.
    const pid = findSuiteRecord(home)?.pid;
    if (pid !== undefined && pid !== told) {
      signal(pid, "SIGTERM");
      told = pid;
    }
    if (clock.monotonicMs() - startedMs > patienceMs) {
      if (told === undefined) throw new Error("a ceremony is at work on this home; it ends by itself");
      signal(told, "SIGKILL");
      return "killed";
    }
    await sleep(POLL_MS);
  }
  return "stopped";
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
