import type { CloudEvent } from "./cloud-event.ts";

/** Carries events from the services that own them to those that want to know. It may be away, deliver twice, and lose what it
 *  acknowledged in the last minutes before a crash: the outbox and the inbox make up for that. */
export interface Bus {
  /** Whether the bus can be used now. */
  readonly connected: boolean;
  /** Calls `listener` each time the bus has become usable. Returns the function that stops it. */
  onConnected(listener: () => void): () => void;
  /** Resolves when the bus has stored the event under its subject; an id stored in the last minutes is not stored again. Events
   *  published in one turn of the event loop are stored in that order, up to the first that fails. Rejects with
   *  PEER_UNAVAILABLE: then the event may or may not be stored. */
  publish(event: CloudEvent): Promise<void>;
  /** The id of the newest stored event of exactly this subject. */
  lastIdOn(subject: string): Promise<string | undefined>;
  /** Delivers what was and will be stored, each event at least once, in order but for redeliveries, also across restarts. */
  subscribe(options: BusSubscription): Subscription;
  /** Follows the bus without remembering where it was, until `signal` aborts. */
  tail(options: TailOptions): AsyncIterable<CloudEvent>;
  close(): Promise<void>;
}

export interface BusSubscription {
  /** Under which the bus remembers what is done: one name per subscribing service and purpose, e.g. "ocsp-status". */
  readonly durable: string;
  /** With wildcards: `*` is one token, `>` the rest. */
  readonly subject: string;
  /** "done" forgets the event, "poison" gives it up. A throw has it delivered again, later and later. May be called again before
   *  the promise of the call before has settled. */
  readonly deliver: (body: Uint8Array) => Promise<"done" | "poison">;
}

export interface Subscription {
  /** Takes no more events and resolves when those taken are dealt with. */
  close(): Promise<void>;
}

export interface TailOptions {
  readonly subject: string;
  /** Starts with so many of the newest matching events. Default 0: only what comes from now on. */
  readonly last?: number;
  readonly signal: AbortSignal;
}
