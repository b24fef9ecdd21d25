import { PkiError } from "@vcc-pki/errors";
import type { Bus, BusSubscription, CloudEvent, Subscription, TailOptions } from "@vcc-pki/events";
import { parseCloudEvent } from "@vcc-pki/events";

/** A bus inside the process, with the promises of the real one: it passes the same conformance suite. */
export interface InMemoryBus extends Bus {
  /** Everything stored, in order. */
  readonly stored: readonly CloudEvent[];
  /** Lets a publication fail: a throw from `beforeStore` is "failed and not stored", from `afterStore` "failed but stored". */
  readonly faults: { beforeStore?: (event: CloudEvent) => void; afterStore?: (event: CloudEvent) => void };
  /** Nothing goes in or out until `comeBack`. */
  goAway(): void;
  comeBack(): void;
  /** Forgets the newest `count` events, as a server does that crashed before it synced them. */
  lose(count: number): void;
}

/** What the bus remembers for a durable name. */
interface Durable {
  /** Index of the first stored event that was never taken. */
  next: number;
  /** Indices of events that were taken and neither done nor given up. */
  readonly open: Set<number>;
}

interface Stored {
  readonly event: CloudEvent;
  readonly body: Uint8Array;
}

const AGAIN_MS = 10;

export function inMemoryBus(): InMemoryBus {
  const log: Stored[] = [];
  const durables = new Map<string, Durable>();
  const connected = new Set<() => void>();
  /** Called when something was stored or the bus came back. */
  const followers = new Set<() => void>();
  const faults: InMemoryBus["faults"] = {};
  let here = true;

  const requireHere = () => {
    if (!here) throw new PkiError("PEER_UNAVAILABLE", "the bus is away");
  };
  const notify = (listeners: ReadonlySet<() => void>) => {
    for (const listener of [...listeners]) listener();
  };

  return {
    faults,
    get stored() {
      return log.map(({ event }) => event);
    },
    get connected() {
      return here;
    },
    onConnected: (listener) => {
      connected.add(listener);
      return () => connected.delete(listener);
    },
    async publish(event) {
      requireHere();
      try {
        faults.beforeStore?.(event);
        if (!log.some((stored) => stored.event.id === event.id)) {
          const body = new TextEncoder().encode(JSON.stringify(event));
          log.push({ body, event: JSON.parse(new TextDecoder().decode(body)) });
          notify(followers);
        }
        faults.afterStore?.(event);
      } catch (cause) {
        throw new PkiError("PEER_UNAVAILABLE", "the bus did not answer as expected", { cause });
      }
    },
    async lastIdOn(subject) {
      requireHere();
      return log.findLast(({ event }) => event.subject === subject)?.event.id;
    },
    subscribe(subscription) {
      const durable = durables.get(subscription.durable) ?? { next: 0, open: new Set() };
      durables.set(subscription.durable, durable);
      return deliverAll({ log, durable, followers, isHere: () => here }, subscription);
    },
    tail: (options) => follow(log, followers, options),
    goAway() {
      here = false;
    },
    comeBack() {
      here = true;
      notify(connected);
      notify(followers);
    },
    lose(count) {
      log.splice(-count, count);
      for (const durable of durables.values()) durable.next = Math.min(durable.next, log.length);
    },
    async close() {
      here = false;
      followers.clear();
      connected.clear();
    },
  };
}

interface Source {
  readonly log: readonly Stored[];
  readonly durable: Durable;
  readonly followers: Set<() => void>;
  readonly isHere: () => boolean;
}

function deliverAll({ log, durable, followers, isHere }: Source, { subject, deliver }: BusSubscription): Subscription {
  const inWork = new Set<Promise<void>>();
  const timers = new Set<NodeJS.Timeout>();
  let closed = false;

  const take = (index: number) => {
    const work = deliverOne(index).finally(() => inWork.delete(work));
    inWork.add(work);
  };
  const deliverOne = async (index: number, attempt = 1): Promise<void> => {
    const stored = log[index];
    if (stored === undefined) return;
    try {
      await deliver(stored.body);
      durable.open.delete(index);
    } catch {
      if (closed) return;
      const timer = setTimeout(() => {
        timers.delete(timer);
        if (!closed) void deliverOne(index, attempt + 1);
      }, AGAIN_MS * attempt);
      timers.add(timer);
    }
  };
  const pump = () => {
    while (!closed && isHere() && durable.next < log.length) {
      const index = durable.next++;
      const stored = log[index];
      if (stored === undefined || !matches(subject, stored.event.subject)) continue;
      durable.open.add(index);
      take(index);
    }
  };

  for (const index of durable.open) take(index);
  followers.add(pump);
  queueMicrotask(pump);
  return {
    async close() {
      closed = true;
      followers.delete(pump);
      for (const timer of timers) clearTimeout(timer);
      await Promise.all(inWork);
    },
  };
}

async function* follow(
  log: readonly Stored[],
  followers: Set<() => void>,
  { subject, last = 0, signal }: TailOptions,
): AsyncGenerator<CloudEvent> {
  const matching = log.map((_, index) => index).filter((index) => matches(subject, log[index]?.event.subject ?? ""));
  let next = last === 0 ? log.length : (matching.at(-last) ?? 0);
  while (!signal.aborted) {
    const stored = log[next];
    if (stored === undefined) {
      await new Promise<void>((resolve) => {
        const wake = () => {
          followers.delete(wake);
          signal.removeEventListener("abort", wake);
          resolve();
        };
        followers.add(wake);
        signal.addEventListener("abort", wake);
      });
      continue;
    }
    next++;
    if (matches(subject, stored.event.subject)) yield parseCloudEvent(stored.body);
  }
}

/** NATS subjects: `*` stands for one token, `>` for one or more at the end. */
function matches(pattern: string, subject: string): boolean {
  const wanted = pattern.split(".");
  const tokens = subject.split(".");
  const rest = wanted.at(-1) === ">";
  if (rest ? tokens.length < wanted.length : tokens.length !== wanted.length) return false;
  return wanted.every((token, index) => token === "*" || token === ">" || token === tokens[index]);
}
