import { createLogger } from "@vcc-pki/telemetry";
import type { Clock } from "@vcc-pki/time";
import { lockHome } from "./lock.ts";
import { openLogFile } from "./log-file.ts";
import { keepNatsIdentity } from "./nats-identity.ts";
import { requireFreePorts } from "./ports.ts";
import type { Port, ProcessSnapshot, ProcessSpec, SuiteEvent } from "./process.ts";
import { removeSuiteRecord, type SuiteRecord, writeSuiteRecord } from "./state.ts";
import { type SuiteOptions, suiteSpecs, writeDerivedFiles } from "./suite.ts";
import { Supervisor } from "./supervisor.ts";

export interface SuperviseOptions extends SuiteOptions {
  readonly clock: Clock;
  readonly report: (event: SuiteEvent) => void;
  /** Called when everything is ready for the first time. The suite is stopped when what it returns has settled. */
  readonly whenReady: () => Promise<void>;
  /** Aborts to stop the suite, at any time. */
  readonly stop: AbortSignal;
  /** Aborts to kill what has not stopped yet. */
  readonly kill: AbortSignal;
}

/** The life of a suite: holds the lock of the home, starts everything, keeps it running, and stops everything whatever happens.
 *  Throws ALREADY_EXISTS when the home is in use, CONFIG_INVALID when a port is, and an Error when a process does not start. */
export async function supervise(options: SuperviseOptions): Promise<void> {
  const { home, clock, stop, kill } = options;
  const lock = lockHome(home);
  try {
    // 1. What could be wrong before anything has started.
    const specs = suiteSpecs(options);
    await requireFreePorts(specs);
    writeDerivedFiles(options);

    // 2. Everything, in order.
    const journal = openLogFile(home.log("suite"));
    const log = createLogger({ service: "suite", level: "info", destination: journal, clock });
    const record = recordKeeper(options);
    const supervisor = new Supervisor({
      ...{ specs, clock, logPath: home.log },
      report(event, processes) {
        record.write(processes);
        log.info(`process ${event.type}`, { ...event, type: undefined });
        options.report(event);
      },
    });
    kill.addEventListener("abort", () => supervisor.kill(), { once: true });
    try {
      record.write(supervisor.snapshots());
      if (!(await endsFirst(supervisor.start(), stop))) return;
      const natsIdentity = keepNatsIdentity({
        ...{ directory: home.identity("nats"), ca: grpcPortOf(specs, "ca"), clock, log },
        onRenewed: () => supervisor.reload("nats"),
      });
      try {
        await options.whenReady();
      } finally {
        natsIdentity.close();
      }
    } finally {
      // 3. Nothing stays behind.
      await supervisor.stop();
      record.remove(supervisor.snapshots());
      journal.close();
    }
  } finally {
    lock.release();
  }
}

/** Whether `work` ended before `stop` aborted. Throws what `work` throws; after `stop` nobody cares any more. */
async function endsFirst(work: Promise<void>, stop: AbortSignal): Promise<boolean> {
  const { promise: stopped, resolve } = Promise.withResolvers<boolean>();
  const onStop = () => resolve(false);
  stop.addEventListener("abort", onStop, { once: true });
  if (stop.aborted) onStop();
  try {
    return await Promise.race([work.then(() => true), stopped]);
  } finally {
    stop.removeEventListener("abort", onStop);
    work.catch(() => undefined);
  }
}

function grpcPortOf(specs: readonly ProcessSpec[], name: string): Port {
  const port = specs.find((spec) => spec.name === name)?.ports.find((one) => one.name === "gRPC");
  if (port === undefined) throw new Error(`${name} serves no gRPC`);
  return port;
}

function recordKeeper({ home, portOffset, clock }: SuperviseOptions) {
  const base = { pid: process.pid, startedAt: clock.now().toISOString(), portOffset };
  const withProcesses = (processes: readonly ProcessSnapshot[]): SuiteRecord => ({
    ...base,
    processes: [...processes],
  });
  return {
    write: (processes: readonly ProcessSnapshot[]) => writeSuiteRecord(home, withProcesses(processes)),
    remove: (processes: readonly ProcessSnapshot[]) => removeSuiteRecord(home, withProcesses(processes)),
  };
}
