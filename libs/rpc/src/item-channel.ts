import { isErrorCode, PkiError, toPkiError } from "@vcc-pki/errors";
import type { Logger } from "@vcc-pki/telemetry";
import type { Clock } from "@vcc-pki/time";
import { OutgoingItems } from "./outgoing-items.ts";

/** A request in a message with others; its id is unique among what is in flight on the stream. */
export interface StreamItem {
  readonly id: number;
}

/** A PkiError in a message with answers. */
export interface ItemFailure {
  readonly code: string;
  readonly message: string;
  readonly details: { [key: string]: string };
}

/** What became of the item with this id. */
export interface ItemAnswer<Response> {
  readonly id: number;
  readonly outcome?:
    | { readonly $case: "response"; readonly value: Response }
    | { readonly $case: "failure"; readonly value: ItemFailure }
    | undefined;
}

export interface ItemChannelOptions<Item extends StreamItem, Response> {
  /** Opens the bidirectional stream. */
  stream(requests: AsyncIterable<{ items: Item[] }>): AsyncIterable<{ items: ItemAnswer<Response>[] }>;
  /** Asks for one item by a call of its own. */
  unary(item: Omit<Item, "id">, deadlineMs: number): Promise<Response>;
  /** What a stream that broke means for what was in flight, which is undecided. */
  toLost(cause: unknown): PkiError;
  /** For logs and errors: "signing". */
  readonly name: string;
  readonly log: Logger;
  readonly clock: Clock;
  /** How long one item may take. */
  readonly deadlineMs: number;
}

interface InFlight<Item, Response> {
  readonly item: Item;
  readonly deadlineMs: number;
  readonly resolve: (response: Response) => void;
  readonly reject: (error: unknown) => void;
}

const FIRST_WAIT_MS = 100;
const LONGEST_WAIT_MS = 5_000;

/**
 * Sends what is asked for within one turn of the event loop as one message of a bidirectional stream, which answers some five times
 * as many requests as a call for each. While the stream is down, requests go as unary calls. A stream that dies leaves what was
 * in flight undecided. A stream that the server ends in good order has been answered in full, and what crossed its end is sent again: every
 * request needs an id by which it may be repeated.
 */
export class ItemChannel<Item extends StreamItem, Response> {
  readonly #options: ItemChannelOptions<Item, Response>;
  readonly #inFlight = new Map<number, InFlight<Item, Response>>();
  #lastId = 0;
  #outgoing: OutgoingItems<Item> | undefined;
  #notBeforeMs = 0;
  #waitMs = FIRST_WAIT_MS;
  #sweep: NodeJS.Timeout | undefined;
  #isClosed = false;
  #drained: (() => void) | undefined;

  constructor(options: ItemChannelOptions<Item, Response>) {
    this.#options = options;
  }

  /** Rejects with what the server refuses it with, DEADLINE_EXCEEDED, or what `toLost` says. */
  ask(request: Omit<Item, "id">): Promise<Response> {
    const { name, deadlineMs, clock } = this.#options;
    if (this.#isClosed) return Promise.reject(new PkiError("PEER_UNAVAILABLE", `the ${name} channel is closed`));
    const outgoing = this.#stream();
    if (!outgoing) return this.#options.unary(request, deadlineMs);
    return new Promise((resolve, reject) => {
      const item = { ...request, id: this.#nextId() } as Item;
      this.#inFlight.set(item.id, { item, deadlineMs: clock.monotonicMs() + deadlineMs, resolve, reject });
      this.#sweep ??= setTimeout(() => this.#expire(), deadlineMs);
      outgoing.push(item);
    });
  }

  /** Lets what is in flight finish within its deadlines; what is asked for later fails with PEER_UNAVAILABLE. */
  async close(): Promise<void> {
    this.#isClosed = true;
    if (this.#inFlight.size > 0) await new Promise<void>((resolve) => (this.#drained = resolve));
    clearTimeout(this.#sweep);
    this.#outgoing?.end();
    this.#outgoing = undefined;
  }

  /** The stream to send on; undefined while the way back to one is being waited for. */
  #stream(): OutgoingItems<Item> | undefined {
    if (this.#outgoing) return this.#outgoing;
    if (this.#options.clock.monotonicMs() < this.#notBeforeMs) return undefined;
    const outgoing = new OutgoingItems<Item>();
    this.#outgoing = outgoing;
    void this.#read(outgoing);
    return outgoing;
  }

  async #read(outgoing: OutgoingItems<Item>): Promise<void> {
    const stream = this.#options.stream(outgoing);
    try {
      for await (const { items } of stream) {
        this.#waitMs = FIRST_WAIT_MS;
        for (const item of items) this.#settle(item);
      }
      this.#leave(outgoing);
      this.#sendAgain();
    } catch (error) {
      this.#leave(outgoing);
      this.#fail(error);
    }
  }

  #leave(outgoing: OutgoingItems<Item>): void {
    outgoing.end();
    if (this.#outgoing === outgoing) this.#outgoing = undefined;
  }

  #settle({ id, outcome }: ItemAnswer<Response>): void {
    const waiting = this.#take(id);
    if (!waiting) return; // its deadline has passed
    if (outcome?.$case === "response") waiting.resolve(outcome.value);
    else waiting.reject(toError(outcome?.value));
  }

  /** The server answered all it had read and ended the stream. */
  #sendAgain(): void {
    const rest = [...this.#inFlight.values()];
    if (rest.length === 0) return;
    const outgoing = this.#stream();
    for (const { item } of rest) outgoing?.push(item);
  }

  #fail(error: unknown): void {
    const { clock, log, name, toLost } = this.#options;
    this.#notBeforeMs = clock.monotonicMs() + this.#waitMs;
    this.#waitMs = Math.min(this.#waitMs * 2, LONGEST_WAIT_MS);
    log.warn("stream lost", { channel: name, error, inFlight: this.#inFlight.size });
    const { code } = toPkiError(error);
    const isRefused = code.startsWith("CALLER_");
    for (const id of [...this.#inFlight.keys()]) this.#take(id)?.reject(isRefused ? error : toLost(error));
  }

  /** One timer for all: deadlines are alike, so the oldest request is the first to pass its own. */
  #expire(): void {
    const { clock, name } = this.#options;
    this.#sweep = undefined;
    const now = clock.monotonicMs();
    for (const [id, { deadlineMs }] of this.#inFlight) {
      if (deadlineMs > now) {
        this.#sweep = setTimeout(() => this.#expire(), Math.max(1, deadlineMs - now));
        return;
      }
      this.#take(id)?.reject(new PkiError("DEADLINE_EXCEEDED", `${name} took too long`));
    }
  }

  #take(id: number): InFlight<Item, Response> | undefined {
    const waiting = this.#inFlight.get(id);
    this.#inFlight.delete(id);
    if (this.#inFlight.size === 0) this.#drained?.();
    return waiting;
  }

  /** uint32 on the wire. */
  #nextId(): number {
    do this.#lastId = (this.#lastId + 1) >>> 0;
    while (this.#inFlight.has(this.#lastId));
    return this.#lastId;
  }
}

function toError({ code, message, details }: ItemFailure = { code: "", message: "no outcome", details: {} }): PkiError {
  return new PkiError(isErrorCode(code) ? code : "INTERNAL", message, { details });
}
