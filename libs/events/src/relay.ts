import { setTimeout as sleep } from "node:timers/promises";
import { createNoopMeter, type Meter, type ObservableResult } from "@opentelemetry/api";
import type { OutboxMessage, Store } from "@vcc-pki/store";
import type { Logger } from "@vcc-pki/telemetry";
import { type Clock, Wakeup } from "@vcc-pki/time";
import type { Bus } from "./bus.ts";
import { buildCloudEvent } from "./cloud-event.ts";

export interface RelayOptions {
  readonly store: Store;
  readonly bus: Bus;
  /** SPIFFE URI of this service, the `source` of its events. */
  readonly source: string;
  readonly log: Logger;
  readonly clock: Clock;
  readonly meter?: Meter;
}

export interface Relay {
  /** Resolves when the outbox is empty; never while the bus is away and something waits. */
  drain(): Promise<void>;
  /** Stops after the batch in work. What is left waits in the outbox for the next start. */
  stop(): Promise<void>;
}

const metrics = {
  published: ["pki.outbox.published", { description: "Events published from the outbox" }],
  pending: ["pki.outbox.pending", { description: "Events waiting in the outbox" }],
} as const;

const BATCH = 256;
/** After a batch that was not full: each costs a commit of its own, and what is added meanwhile goes out together. */
const LINGER_MS = 20;
const RETRY_MS = { first: 100, most: 5_000 };

/** What NATS 2.9 acknowledges it syncs to disk every two minutes only: after a crash the newest may be gone. */
const UNSYNCED_MS = 3 * 60_000;
/** Long after an event its absence from the bus means that it has aged out there, not that it was lost. */
const LOSS_NOTICED_WITHIN_MS = 86_400_000;

/** Publishes the outbox in order, for as long as it takes. At most one relay per store. */
export function startRelay({ store, bus, source, log, clock, meter = createNoopMeter() }: RelayOptions): Relay {
  const { outbox } = store;
  const wakeup = new Wakeup();
  const drained = new Set<() => void>();
  const published = meter.createCounter(...metrics.published);
  const pending = meter.createObservableGauge(...metrics.pending);
  const observePending = (result: ObservableResult) => result.observe(outbox.pendingCount());
  pending.addCallback(observePending);

  let stopped = false;
  let checkBus = true;
  let failures = 0;
  const unlisten = [
    outbox.onAdded(() => failures === 0 && wakeup.wake()),
    bus.onConnected(() => {
      checkBus = true;
      wakeup.wake();
    }),
  ];

  async function run(): Promise<void> {
    while (!stopped) {
      try {
        const batch = outbox.pending(BATCH);
        if (batch.length === 0) {
          for (const resolve of drained) resolve();
          drained.clear();
        }
        if (!bus.connected || (batch.length === 0 && !checkBus)) {
          await wakeup.sleep();
          continue;
        }
        if (checkBus) await recoverLost();
        else await publish(batch);
        failures = 0;
        if (batch.length < BATCH) await sleep(LINGER_MS);
      } catch (error) {
        // One line per outage, not per attempt.
        if (failures++ === 0) log.warn("outbox waits for the bus", { pending: outbox.pendingCount(), error });
        await wakeup.sleep(Math.min(RETRY_MS.most, RETRY_MS.first * 2 ** failures));
      }
    }
  }

  /** Sends the batch in one turn, which keeps its order, and notes the part before the first failure as published. */
  async function publish(batch: readonly OutboxMessage[]): Promise<void> {
    const results = await Promise.allSettled(batch.map((message) => bus.publish(buildCloudEvent(message, source))));
    const failed = results.findIndex(({ status }) => status === "rejected");
    const done = failed === -1 ? batch.length : failed;
    const last = batch[done - 1];
    if (last !== undefined) await store.write(() => outbox.markPublished(last.id));
    published.add(done);
    const failure = results[failed];
    if (failure?.status === "rejected") throw failure.reason;
  }

  /** After an outage: if the bus no longer has what we published last, sends the last minutes again under the same ids. */
  async function recoverLost(): Promise<void> {
    checkBus = false;
    const newest = outbox.lastPublished();
    if (newest === undefined || clock.now().getTime() - newest.time.getTime() > LOSS_NOTICED_WITHIN_MS) return;
    const lastId = await bus.lastIdOn(newest.subject).catch((error) => {
      checkBus = true;
      throw error;
    });
    if (lastId === newest.messageId) return;
    const since = new Date(newest.time.getTime() - UNSYNCED_MS);
    await store.write(() => outbox.rewind(since));
    log.warn("bus lost events, publishing again", { since, pending: outbox.pendingCount() });
  }

  const running = run();
  return {
    drain: () =>
      new Promise((resolve) => {
        drained.add(resolve);
        wakeup.wake();
      }),
    async stop() {
      stopped = true;
      pending.removeCallback(observePending);
      for (const stop of unlisten) stop();
      wakeup.wake();
      await running;
    },
  };
}
