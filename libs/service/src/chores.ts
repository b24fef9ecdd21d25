import type { Logger } from "@vcc-pki/telemetry";

/** Something to do again and again. It must be safe to run at any time. */
export interface Chore {
  /** Milliseconds between runs; one that takes longer delays the next. */
  readonly everyMs: number;
  readonly run: () => unknown;
}

export interface Chores<Name extends string> {
  /** Runs it now, after a run that is under way; resolves when it is done. */
  run(name: Name): Promise<void>;
  /** Runs each of them in turn, as `run` does. */
  runAll(): Promise<void>;
  /** Has it run `afterMs` from now, once, however often that is asked. */
  soon(name: Name, afterMs: number): void;
  /** Runs nothing any more; resolves when what runs has ended. */
  stop(): Promise<void>;
}

/** Runs chores by the clock on the wall. Each is alone with itself. A failure is logged and leaves the next run as it is. */
export function startChores<Name extends string>(chores: Readonly<Record<Name, Chore>>, log: Logger): Chores<Name> {
  const running = new Map<Name, Promise<void>>();
  const asked = new Map<Name, NodeJS.Timeout>();
  let isStopped = false;

  const runNow = (name: Name): Promise<void> => {
    if (isStopped) return Promise.resolve();
    const started = Promise.resolve()
      .then(() => chores[name].run())
      .then(() => undefined)
      .catch((error) => log.error("chore failed", { chore: name, error }))
      .finally(() => running.delete(name));
    running.set(name, started);
    return started;
  };
  const names = Object.keys(chores) as Name[];
  const tick = (name: Name) => running.has(name) || runNow(name);
  const timers = names.map((name) => setInterval(() => tick(name), chores[name].everyMs).unref());
  return {
    async run(name) {
      for (let current = running.get(name); current; current = running.get(name)) await current;
      await runNow(name);
    },
    async runAll() {
      for (const name of names) await this.run(name);
    },
    soon(name, afterMs) {
      if (asked.has(name) || isStopped) return;
      const timer = setTimeout(() => {
        asked.delete(name);
        void this.run(name);
      }, afterMs);
      asked.set(name, timer.unref());
    },
    async stop() {
      isStopped = true;
      for (const timer of [...timers, ...asked.values()]) clearTimeout(timer);
      await Promise.all(running.values());
    },
  };
}
