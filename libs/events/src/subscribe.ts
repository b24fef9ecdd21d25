import { createNoopMeter, type Meter } from "@opentelemetry/api";
import type { Store } from "@vcc-pki/store";
import { type Logger, withContext } from "@vcc-pki/telemetry";
import type { Bus, Subscription } from "./bus.ts";
import { type CloudEvent, type FactEvent, parseCloudEvent, parseFact } from "./cloud-event.ts";

export interface SubscribeOptions {
  readonly bus: Bus;
  readonly store: Store;
  /** Name under which bus and inbox remember what is done, e.g. "ocsp-status". */
  readonly durable: string;
  /** e.g. "pki.*.certificate.*" */
  readonly subject: string;
  /** Runs inside `store.write`, once for each event: synchronous, and its writes are stored together with the note that the
   *  event is done. A throw undoes them and has the event delivered again. */
  readonly handler: (event: FactEvent) => void;
  readonly log: Logger;
  readonly meter?: Meter;
}

const metrics = {
  handled: ["pki.events.handled", { description: "Events a subscriber has worked on" }],
  repeated: ["pki.events.repeated", { description: "Events delivered again after they were worked on" }],
  poisoned: ["pki.events.poisoned", { description: "Events given up because they are malformed" }],
} as const;

/** Subscribes for good, idempotently. A malformed event is given up, logged and counted; one of an unknown type is passed over. */
export function subscribe(options: SubscribeOptions): Subscription {
  const { bus, store, durable, subject, handler, log, meter = createNoopMeter() } = options;
  const [handled, repeated, poisoned] = [
    meter.createCounter(...metrics.handled),
    meter.createCounter(...metrics.repeated),
    meter.createCounter(...metrics.poisoned),
  ];

  const deliver = async (body: Uint8Array): Promise<"done" | "poison"> => {
    let event: CloudEvent | undefined;
    let fact: FactEvent | undefined;
    try {
      event = parseCloudEvent(body);
      fact = parseFact(event);
    } catch (error) {
      log.error("event is malformed", { durable, eventId: event?.id, type: event?.type, error });
      poisoned.add(1, { durable });
      return "poison";
    }
    if (fact === undefined) {
      log.warn("event of unknown type passed over", { durable, eventId: event.id, type: event.type });
      return "done";
    }
    const isNew = await withContext(event, () => store.write(() => handleOnce(fact)));
    (isNew ? handled : repeated).add(1, { durable });
    return "done";
  };

  const handleOnce = (fact: FactEvent): boolean => {
    const isNew = store.inbox.accept(durable, fact.id);
    if (isNew) handler(fact);
    return isNew;
  };

  return bus.subscribe({ durable, subject, deliver });
}
