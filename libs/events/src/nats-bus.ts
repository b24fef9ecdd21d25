import { type JetStreamClient, jetstream } from "@nats-io/jetstream";
import { headers, type NatsConnection } from "@nats-io/nats-core";
import { PkiError } from "@vcc-pki/errors";
import type { Bus } from "./bus.ts";
import type { CloudEvent } from "./cloud-event.ts";
import { NatsLink, type NatsOptions } from "./nats-link.ts";
import { STREAM } from "./nats-stream.ts";
import { consume } from "./nats-subscription.ts";
import { tail } from "./nats-tail.ts";

const ACK_TIMEOUT_MS = 5_000;

/** NATS JetStream over mutual TLS: stream "PKI" on "pki.>". Returns at once; the connection is made, kept and remade in the background. */
export function connectBus(options: NatsOptions): Bus {
  const link = new NatsLink(options);
  const clients = new WeakMap<NatsConnection, JetStreamClient>();

  const client = (): JetStreamClient => {
    const connection = link.up;
    if (connection === undefined) throw new PkiError("PEER_UNAVAILABLE", "the bus is away");
    const known = clients.get(connection) ?? jetstream(connection, { timeout: ACK_TIMEOUT_MS });
    clients.set(connection, known);
    return known;
  };

  return {
    get connected() {
      return link.up !== undefined;
    },
    onConnected: (listener) => link.onUp(listener),
    async publish(event) {
      try {
        const options = { msgID: event.id, expect: { streamName: STREAM }, headers: headersOf(event) };
        await link.whileUp(client().publish(event.subject, JSON.stringify(event), options));
      } catch (cause) {
        throw toPeerUnavailable(cause);
      }
    },
    async lastIdOn(subject) {
      try {
        const manager = await client().jetstreamManager(false);
        const message = await link.whileUp(manager.streams.getMessage(STREAM, { last_by_subj: subject }));
        return message?.header.get("Nats-Msg-Id");
      } catch (cause) {
        throw toPeerUnavailable(cause);
      }
    },
    subscribe: (subscription) => consume(link, subscription, options.log),
    tail: (tailOptions) => tail(link, tailOptions),
    close: () => link.close(),
  };
}

/** As the NATS binding of CloudEvents asks for in its structured mode; traceparent for tools that look no deeper. */
function headersOf(event: CloudEvent) {
  const map = headers();
  map.set("content-type", "application/cloudevents+json");
  if (event.traceparent !== undefined) map.set("traceparent", event.traceparent);
  return map;
}

const toPeerUnavailable = (cause: unknown): PkiError =>
  cause instanceof PkiError ? cause : new PkiError("PEER_UNAVAILABLE", "the bus did not answer as expected", { cause });
