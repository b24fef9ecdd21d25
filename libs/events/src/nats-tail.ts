import { type Consumer, DeliverPolicy, type JetStreamClient, jetstream } from "@nats-io/jetstream";
import type { TailOptions } from "./bus.ts";
import { type CloudEvent, parseCloudEvent } from "./cloud-event.ts";
import type { NatsLink } from "./nats-link.ts";
import { STREAM } from "./nats-stream.ts";

/** An ordered consumer, from now on or from some events back. What is not a CloudEvent is passed over. */
export async function* tail(link: NatsLink, { subject, last = 0, signal }: TailOptions): AsyncGenerator<CloudEvent> {
  try {
    const client = jetstream(await link.whenUp(signal));
    const { consumer, skip } = await startBack(client, subject, last);
    const messages = await consumer.consume();
    const stop = () => messages.stop();
    signal.addEventListener("abort", stop);
    if (signal.aborted) stop();
    let passed = 0;
    for await (const message of messages) {
      if (passed++ < skip) continue;
      try {
        yield parseCloudEvent(message.data);
      } catch {
        // Not one of ours; subscribers report it.
      }
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

/** A consumer that begins at most `last` matching events before the end. The server counts from a place in the stream only, so
 *  we step back four times as far until enough match, and pass over the surplus. */
async function startBack(
  client: JetStreamClient,
  filter_subjects: string,
  last: number,
): Promise<{ consumer: Consumer; skip: number }> {
  const manager = await client.jetstreamManager(false);
  const { state } = await manager.streams.info(STREAM);
  for (let span = last; last > 0; span *= 4) {
    const opt_start_seq = Math.max(state.first_seq, state.last_seq + 1 - span, 1);
    const consumer = await client.consumers.get(STREAM, {
      ...{ filter_subjects, deliver_policy: DeliverPolicy.StartSequence, opt_start_seq },
    });
    const { num_pending: matching } = await consumer.info();
    if (matching >= last || opt_start_seq <= Math.max(state.first_seq, 1))
      return { consumer, skip: Math.max(0, matching - last) };
    await consumer.delete();
  }
  return {
    consumer: await client.consumers.get(STREAM, { filter_subjects, deliver_policy: DeliverPolicy.New }),
    skip: 0,
  };
}
