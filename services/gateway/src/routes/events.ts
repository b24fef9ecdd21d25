import { Readable } from "node:stream";
import { PkiError } from "@vcc-pki/errors";
import type { Bus } from "@vcc-pki/events";
import type { AuthorityServiceDefinition } from "@vcc-pki/proto/ca";
import type { Remote } from "@vcc-pki/rpc";
import { EventsQuery } from "../api/events.ts";
import { EVENT_STREAM, EventStreams, type ServerSentEvent, type StreamRules } from "../event-stream.ts";
import { type App, onBehalfOf } from "../http.ts";
import { raw, refusals } from "./documented.ts";

export interface EventRouteOptions extends StreamRules {
  /** Undefined when the suite runs without NATS. */
  readonly bus: Pick<Bus, "tail"> | undefined;
  /** Asked for what the requester may only see when it may act for the organisation: the one check of memberships is the ca's. */
  readonly authorities: Pick<Remote<AuthorityServiceDefinition>, "list">;
}

/** What happens in an organisation, as server-sent events, each a CloudEvent. */
export function eventRoute(app: App, options: EventRouteOptions): void {
  const { bus, authorities, identifyAgain } = options;
  const streams = new EventStreams(options);

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
      const { last } = request.query;
      const events = (signal: AbortSignal) => facts(bus, { subject: `pki.${organisation}.>`, last, signal });
      return reply.type(EVENT_STREAM).send(Readable.from(streams.open(request, reply, events, requireRight)));
    },
  );
}

async function* facts(bus: Pick<Bus, "tail">, options: Parameters<Bus["tail"]>[0]): AsyncGenerator<ServerSentEvent> {
  for await (const fact of bus.tail(options)) yield { id: fact.id, event: "pki", data: fact };
}
