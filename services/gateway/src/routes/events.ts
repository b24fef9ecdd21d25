import { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { PkiError } from "@vcc-pki/errors";
import type { Bus, CloudEvent } from "@vcc-pki/events";
import type { AuthorityServiceDefinition } from "@vcc-pki/proto/ca";
import type { DenyList, Remote } from "@vcc-pki/rpc";
import type { FastifyRequest } from "fastify";
import { EventsQuery } from "../api/events.ts";
import { type App, onBehalfOf } from "../http.ts";
import { raw, refusals } from "./documented.ts";

const EVENT_STREAM = "text/event-stream";
const STREAMS_PER_PERSON = 8;

export interface EventRouteOptions {
  /** Undefined when the suite runs without NATS. */
  readonly bus: Pick<Bus, "tail"> | undefined;
  /** Asked for what the requester may only see when it may act for the organisation: the one check of memberships is the ca's. */
  readonly authorities: Pick<Remote<AuthorityServiceDefinition>, "list">;
  /** Milliseconds after which a quiet stream shows that it is alive, and after which the right to it is looked at again. */
  readonly heartbeatMs: number;
  /** Whose changes have the right to every stream looked at again at once. */
  readonly denyList: Pick<DenyList, "onChange">;
  /** Throws when the client certificate would not be accepted any more. */
  readonly identifyAgain: (request: FastifyRequest) => Promise<unknown>;
  /** Ends every stream when the service stops. */
  readonly closing: AbortSignal;
}

/** What happens in an organisation, as server-sent events (WHATWG HTML section 9.2), each a CloudEvent. A stream lives longer
 *  than a request: who may have it is asked again at every heartbeat and with each revocation, and a no ends it. */
export function eventRoute(app: App, options: EventRouteOptions): void {
  const { bus, authorities, denyList, identifyAgain, closing } = options;
  const openStreams = new Map<string, number>();

  app.get(
    "/api/v1/events",
    {
      schema: {
        tags: ["events"],
        summary: "Follow the organisation's events (server-sent events)",
        querystring: EventsQuery,
        response: {
          200: { description: "CloudEvents 1.0", content: { [EVENT_STREAM]: raw("event-stream") } },
          ...refusals,
        },
      },
    },
    async (request, reply) => {
      if (bus === undefined) throw new PkiError("PEER_UNAVAILABLE", "this suite runs without an event bus");
      const organisation = request.query.organisation ?? request.requester.organisation;
      const requireRight = async () => {
        await identifyAgain(request);
        await authorities.list({ organisation }, onBehalfOf(request));
      };
      await requireRight();
      const release = occupy(openStreams, request.requester.uri);

      const gone = new AbortController();
      const stopWatching = denyList.onChange(() => identifyAgain(request).catch(() => gone.abort()));
      reply.raw.once("close", () => {
        release();
        stopWatching();
        gone.abort();
      });
      const signal = AbortSignal.any([gone.signal, closing]);
      const events = bus.tail({ subject: `pki.${organisation}.>`, last: request.query.last, signal });
      return reply.type(EVENT_STREAM).send(Readable.from(messages(events, requireRight, options.heartbeatMs, signal)));
    },
  );
}

/** Throws RATE_LIMITED when a person holds too many streams; returns what gives the place back. */
function occupy(openStreams: Map<string, number>, person: string): () => void {
  const open = openStreams.get(person) ?? 0;
  if (open >= STREAMS_PER_PERSON) throw new PkiError("RATE_LIMITED", `at most ${STREAMS_PER_PERSON} streams at a time`);
  openStreams.set(person, open + 1);
  return () => {
    const left = (openStreams.get(person) ?? 1) - 1;
    if (left > 0) openStreams.set(person, left);
    else openStreams.delete(person);
  };
}

async function* messages(
  events: AsyncIterable<CloudEvent>,
  requireRight: () => Promise<void>,
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
      yield `id: ${first.value.id}\nevent: pki\ndata: ${JSON.stringify(first.value)}\n\n`;
      event = iterator.next();
    }
  }
}
