import type { Logger } from "@vcc-pki/telemetry";

/** Something to look after again and again. It must be safe to run at any time. */
export interface Chore {
  readonly name: string;
  /** Milliseconds between runs. */
  readonly everyMs: number;
  readonly run: () => Promise<unknown>;
}

export interface Chores {
  /** Runs all of them now and resolves when they are done. */
  runAll(): Promise<void>;
  /** Has one of them run `afterMs` from now, once, however often it is asked. */
  soon(name: string, afterMs: number): void;
  /** Runs nothing any more; resolves when what runs has ended. */
  stop(): Promise<void>;
}

/** Runs chores by the clock on the wall. Each is alone with itself: a run that takes longer than its interval delays the next. A
 *  failure is logged and leaves the next run as it is. */
export function startChores(chores: readonly Chore[], log: Logger): Chores {
  const running = new Map<string, Promise<void>>();
  const asked = new Map<string, NodeJS.Timeout>();
  let stopped = false;

  function run({ name, run }: Chore): Promise<void> {
    const current = running.get(name);
    if (current || stopped) return current ?? Promise.resolve();
    const started = run()
      .then(() => undefined)
      .catch((error) => log.error("chore failed", { chore: name, error }))
      .finally(() => running.delete(name));
    running.set(name, started);
    return started;
  }

  const timers = chores.map((chore) => setInterval(() => run(chore), chore.everyMs).unref());
  return {
    async runAll() {
      for (const chore of chores) {
        await running.get(chore.name); // what runs may have begun before what the caller is waiting for
        await run(chore);
      }
    },
    soon(name, afterMs) {
      const chore = chores.find((candidate) => candidate.name === name);
      if (chore === undefined) throw new Error(`no such chore: ${name}`);
      if (asked.has(name) || stopped) return;
      const timer = setTimeout(() => {
        asked.delete(name);
        void run(chore);
      }, afterMs);
      asked.set(name, timer.unref());
    },
    async stop() {
      stopped = true;
      for (const timer of [...timers, ...asked.values()]) clearTimeout(timer);
      await Promise.all(running.values());
    },
  };
}
