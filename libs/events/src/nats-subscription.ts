import { setTimeout as sleep } from "node:timers/promises";
import { AckPolicy, type ConsumerMessages, DeliverPolicy, type JsMsg, jetstream } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/nats-core";
import type { Logger } from "@vcc-pki/telemetry";
import type { BusSubscription, Subscription } from "./bus.ts";
import type { NatsLink } from "./nats-link.ts";
import { STREAM } from "./nats-stream.ts";

const NS_PER_MS = 1_000_000;
/** What was delivered and not answered comes again after so long, which is also what a crash of either side costs. */
const ACK_WAIT_MS = 5_000;
/** Events in work at one time. */
const IN_WORK = 256;
const REOPEN_MS = 1_000;

/** First, largest and growth of the delay before an event whose handler failed comes again. */
const AGAIN_MS = { first: 100, most: 30_000 };

/** A durable pull consumer, reopened for ever: after an outage, and when somebody deleted it on the server. */
export function consume(link: NatsLink, subscription: BusSubscription, log: Logger): Subscription {
  const closing = new AbortController();
  const inWork = new Set<Promise<void>>();

  const run = async () => {
    while (!closing.signal.aborted) {
      try {
        const messages = await open(await link.whenUp(closing.signal), subscription);
        const stop = () => messages.stop();
        closing.signal.addEventListener("abort", stop);
        if (closing.signal.aborted) stop();
        for await (const message of messages) {
          const work = settle(message, subscription, log).finally(() => inWork.delete(work));
          inWork.add(work);
        }
        closing.signal.removeEventListener("abort", stop);
      } catch (error) {
        if (closing.signal.aborted) return;
        log.warn("subscription interrupted", { durable: subscription.durable, error });
      }
      await sleep(REOPEN_MS, undefined, { signal: closing.signal }).catch(() => {});
    }
  };
  const running = run();

  return {
    async close() {
      closing.abort();
      await running;
      await Promise.all(inWork);
    },
  };
}

/** Creates the consumer, which changes nothing when it exists, and starts to pull. */
async function open(connection: NatsConnection, { durable, subject }: BusSubscription): Promise<ConsumerMessages> {
  const client = jetstream(connection);
  const manager = await client.jetstreamManager(false);
  await manager.consumers.add(STREAM, {
    ...{ durable_name: durable, filter_subject: subject, deliver_policy: DeliverPolicy.All },
    ...{ ack_policy: AckPolicy.Explicit, ack_wait: ACK_WAIT_MS * NS_PER_MS, max_ack_pending: IN_WORK },
  });
  const consumer = await client.consumers.get(STREAM, durable);
  return consumer.consume({ max_messages: IN_WORK, abort_on_missing_resource: true });
}

async function settle(message: JsMsg, { durable, deliver }: BusSubscription, log: Logger): Promise<void> {
  try {
    const verdict = await deliver(message.data);
    if (verdict === "done") message.ack();
    else message.term();
  } catch (error) {
    const { deliveryCount, streamSequence } = message.info;
    const delayMs = Math.min(AGAIN_MS.most, AGAIN_MS.first * 2 ** (deliveryCount - 1));
    log.error("event not handled", {
      durable,
      subject: message.subject,
      streamSequence,
      deliveryCount,
      delayMs,
      error,
    });
    message.nak(delayMs);
  }
}
