import { isErrorCode, PkiError, toPkiError } from "@vcc-pki/errors";
import type {
  SignFailure,
  SigningServiceDefinition,
  SignRequest,
  SignStreamRequest,
  SignStreamRequest_Item,
  SignStreamResponse_Item,
} from "@vcc-pki/proto/hsm";
import type { Remote } from "@vcc-pki/rpc";
import type { Logger } from "@vcc-pki/telemetry";
import type { Clock } from "@vcc-pki/time";
import { Outgoing } from "./outgoing.ts";
import type { SignOptions } from "./signer.ts";

export interface SigningChannelOptions {
  readonly log: Logger;
  readonly clock: Clock;
  /** How long one signature may take. */
  readonly deadlineMs: number;
}

/** The way to the hsm-gateway for all keys of a service. */
export interface SigningChannel {
  /** See `Signer.sign`. */
  sign(request: SignRequest, options?: SignOptions): Promise<Uint8Array>;
  /** Lets what is in flight finish within its deadlines; what is asked for later fails with PEER_UNAVAILABLE. */
  close(): Promise<void>;
}

interface InFlight {
  readonly item: SignStreamRequest_Item;
  readonly deadlineMs: number;
  readonly resolve: (signature: Uint8Array) => void;
  readonly reject: (error: unknown) => void;
}

const FIRST_WAIT_MS = 100;
const LONGEST_WAIT_MS = 5_000;

/**
 * Sends what is asked for within one turn of the event loop as one message of a bidirectional stream, which makes some five times
 * as many signatures as a call for each. While the stream is down, requests go as unary calls. A stream that dies leaves what was
 * in flight undecided: it is rejected with HSM_UNAVAILABLE. A stream that the server ends in good order has been answered in full,
 * and what crossed its end is sent again.
 */
export function openSigningChannel(
  remote: Remote<typeof SigningServiceDefinition>,
  options: SigningChannelOptions,
): SigningChannel {
  return new Channel(remote, options);
}

class Channel implements SigningChannel {
  readonly #remote: Remote<typeof SigningServiceDefinition>;
  readonly #options: SigningChannelOptions;
  readonly #inFlight = new Map<number, InFlight>();
  #lastId = 0;
  #outgoing: Outgoing | undefined;
  #notBeforeMs = 0;
  #waitMs = FIRST_WAIT_MS;
  #sweep: NodeJS.Timeout | undefined;
  #isClosed = false;
  #drained: (() => void) | undefined;

  constructor(remote: Remote<typeof SigningServiceDefinition>, options: SigningChannelOptions) {
    this.#remote = remote;
    this.#options = options;
  }

  sign(request: SignRequest, { requester = "" }: SignOptions = {}): Promise<Uint8Array> {
    if (this.#isClosed) return Promise.reject(new PkiError("PEER_UNAVAILABLE", "the signing channel is closed"));
    const outgoing = this.#stream();
    const requesterUri = typeof requester === "string" ? requester : requester.uri;
    if (!outgoing) return this.#signUnary(request, requesterUri);
    return new Promise((resolve, reject) => {
      const item = { id: this.#nextId(), request, requester: requesterUri };
      const deadlineMs = this.#options.clock.monotonicMs() + this.#options.deadlineMs;
      this.#inFlight.set(item.id, { item, deadlineMs, resolve, reject });
      this.#sweep ??= setTimeout(() => this.#expire(), this.#options.deadlineMs);
      outgoing.push(item);
    });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    if (this.#inFlight.size > 0) await new Promise<void>((resolve) => (this.#drained = resolve));
    clearTimeout(this.#sweep);
    this.#outgoing?.end();
    this.#outgoing = undefined;
  }

  async #signUnary(request: SignRequest, requester: string): Promise<Uint8Array> {
    const { deadlineMs } = this.#options;
    const options = requester === "" ? { deadlineMs } : { deadlineMs, requester };
    return (await this.#remote.sign(request, options)).signature;
  }

  /** The stream to send on; undefined while the way back to one is being waited for. */
  #stream(): Outgoing | undefined {
    if (this.#outgoing) return this.#outgoing;
    if (this.#options.clock.monotonicMs() < this.#notBeforeMs) return undefined;
    const outgoing = new Outgoing();
    this.#outgoing = outgoing;
    void this.#read(outgoing);
    return outgoing;
  }

  async #read(outgoing: Outgoing): Promise<void> {
    const stream = this.#remote.signStream(outgoing as AsyncIterable<SignStreamRequest>);
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

  #leave(outgoing: Outgoing): void {
    outgoing.end();
    if (this.#outgoing === outgoing) this.#outgoing = undefined;
  }

  #settle({ id, outcome }: SignStreamResponse_Item): void {
    const waiting = this.#take(id);
    if (!waiting) return; // its deadline has passed
    if (outcome?.$case === "response") waiting.resolve(outcome.value.signature);
    else waiting.reject(toError(outcome?.value));
  }

  /** The server answered all it had read and ended the stream; every request has an id by which it may be repeated. */
  #sendAgain(): void {
    const rest = [...this.#inFlight.values()];
    if (rest.length === 0) return;
    const outgoing = this.#stream();
    for (const { item } of rest) outgoing?.push(item);
  }

  #fail(error: unknown): void {
    const { clock, log } = this.#options;
    this.#notBeforeMs = clock.monotonicMs() + this.#waitMs;
    this.#waitMs = Math.min(this.#waitMs * 2, LONGEST_WAIT_MS);
    log.warn("signing stream lost", { error, inFlight: this.#inFlight.size });
    for (const id of [...this.#inFlight.keys()]) this.#take(id)?.reject(toHsmUnavailable(error));
  }

  /** One timer for all: deadlines are alike, so the oldest request is the first to pass its own. */
  #expire(): void {
    this.#sweep = undefined;
    const now = this.#options.clock.monotonicMs();
    for (const [id, { deadlineMs }] of this.#inFlight) {
      if (deadlineMs > now) {
        this.#sweep = setTimeout(() => this.#expire(), Math.max(1, deadlineMs - now));
        return;
      }
      this.#take(id)?.reject(new PkiError("DEADLINE_EXCEEDED", "the signature took too long"));
    }
  }

  #take(id: number): InFlight | undefined {
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

function toError({ code, message, details }: SignFailure = { code: "", message: "no outcome", details: {} }): PkiError {
  return new PkiError(isErrorCode(code) ? code : "INTERNAL", message, { details });
}

/** Whatever broke the stream, what it means for a signature is the same. */
function toHsmUnavailable(cause: unknown): PkiError {
  const { code } = toPkiError(cause);
  if (code === "CALLER_NOT_ALLOWED" || code === "CALLER_UNAUTHENTICATED" || code === "CALLER_REVOKED")
    return cause as PkiError;
  return new PkiError("HSM_UNAVAILABLE", "the stream to the hsm-gateway broke; repeat with the same request id", {
    cause,
  });
}
