import { setTimeout as sleep } from "node:timers/promises";

export interface SuspensionOptions {
  readonly afterMs: number;
  readonly forMs: number;
  readonly nowMs: () => number;
  readonly onChange: (isAway: boolean) => void;
}

/** Takes a process away for a while, once: it lives and holds its connections, and does nothing (SIGSTOP). */
export function startSuspension(pidOf: () => number, options: SuspensionOptions): { stop(): Promise<number> } {
  const stopping = new AbortController();
  const { signal } = stopping;
  const { afterMs, forMs, nowMs, onChange } = options;
  const running = (async () => {
    await sleep(afterMs, undefined, { signal }).catch(() => {});
    if (signal.aborted) return 0;
    const pid = pidOf();
    process.kill(pid, "SIGSTOP");
    const fromMs = nowMs();
    onChange(true);
    await sleep(forMs, undefined, { signal }).catch(() => {});
    resume(pid);
    onChange(false);
    return nowMs() - fromMs;
  })();
  return {
    /** Resolves when it goes on, with how long it was away in milliseconds. */
    stop() {
      stopping.abort();
      return running;
    },
  };
}

/** One that was killed meanwhile is gone, and another runs. */
function resume(pid: number): void {
  try {
    process.kill(pid, "SIGCONT");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
