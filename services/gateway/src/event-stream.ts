import { setTimeout as sleep } from "node:timers/promises";
import { PkiError } from "@vcc-pki/errors";
import type { DenyList } from "@vcc-pki/rpc";
import type { FastifyReply, FastifyRequest } from "fastify";

export const EVENT_STREAM = "text/event-stream";
const STREAMS_PER_CLIENT = 8;

export interface StreamRules {
  /** Milliseconds after which a quiet stream shows that it is alive, and after which the right to it is looked at again. */
  readonly heartbeatMs: number;
  /** Whose changes have the right to every stream looked at again at once. */
  readonly denyList: Pick<DenyList, "onChange">;
  /** Throws when the client certificate would not be accepted any more. */
  readonly identifyAgain: (request: FastifyRequest) => Promise<unknown>;
  /** Ends every stream when the service stops. */
  readonly closing: AbortSignal;
}

/** One server-sent event. */
export interface ServerSentEvent {
  readonly id: string;
  readonly event: string;
  readonly data: unknown;
}

/** Streams of one route. A stream lives longer than a request: who may have it is asked again at every heartbeat and with each revocation, and a no ends
 *  it. */
export class EventStreams {
  readonly #rules: StreamRules;
  readonly #open = new Map<string, number>();

  constructor(rules: StreamRules) {
    this.#rules = rules;
  }

  /** The text of a stream of server-sent events (WHATWG HTML section 9.2). `requireRight` throws when the client may not have it any more. Throws RATE_LIMITED when a
   *  client holds too many. */
  open(
    request: FastifyRequest,
    reply: FastifyReply,
    events: (signal: AbortSignal) => AsyncIterable<ServerSentEvent>,
    requireRight: () => Promise<unknown>,
  ): AsyncGenerator<string> {
    const { denyList, identifyAgain, closing, heartbeatMs } = this.#rules;
    const release = this.#occupy(request.requester.uri);
    const gone = new AbortController();
    const stopWatching = denyList.onChange(() => identifyAgain(request).catch(() => gone.abort()));
    reply.raw.once("close", () => {
      release();
      stopWatching();
      gone.abort();
    });
    const signal = AbortSignal.any([gone.signal, closing]);
    return messages(events(signal), requireRight, heartbeatMs, signal);
  }

  #occupy(client: string): () => void {
    const open = this.#open.get(client) ?? 0;
    if (open >= STREAMS_PER_CLIENT)
      throw new PkiError("RATE_LIMITED", `at most ${STREAMS_PER_CLIENT} streams at a time`);
    this.#open.set(client, open + 1);
    return () => {
      const left = (this.#open.get(client) ?? 1) - 1;
      if (left > 0) this.#open.set(client, left);
      else this.#open.delete(client);
    };
  }
}

async function* messages(
  events: AsyncIterable<ServerSentEvent>,
  requireRight: () => Promise<unknown>,
  heartbeatMs: number,
  signal: AbortSignal,
): AsyncGenerator<string> {
  const iterator = events[Symbol.asyncIterator]();
  const beat = () => sleep(heartbeatMs, "beat" as const, { signal }).catch(() => "beat" as const);
  yield ": connected\n\n";
  let event = iterator.next();
  let heartbeat = beat();
  while (!signal.aborted) {
    const first = await Promise.race([event, heartbeat]);
    if (signal.aborted) return;
    if (first === "beat") {
      const allowed = await requireRight().then(
        () => true,
        () => false,
      );
      if (!allowed) return;
      yield ": alive\n\n";
      heartbeat = beat();
    } else if (first.done) {
      return;
    } else {
      yield `id: ${first.value.id}\nevent: ${first.value.event}\ndata: ${JSON.stringify(first.value.data)}\n\n`;
      event = iterator.next();
    }
  }
}
