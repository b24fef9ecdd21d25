import { PkiError } from "@vcc-pki/errors";
import type { OutboxMessage } from "@vcc-pki/store";
import { z } from "zod";
import { FACTS, type FactData, type FactType, isFactType } from "./facts.ts";

/** CloudEvents 1.0 in the JSON format, with the distributed tracing extension. Attributes we do not know are left out. */
const CloudEvent = z.object({
  specversion: z.literal("1.0"),
  id: z.string().min(1).max(100),
  /** SPIFFE URI of the service that tells. */
  source: z.string().min(1).max(300),
  type: z.string().min(1).max(100),
  /** The NATS subject, `pki.<organisation>.<entity>.<fact>`. */
  subject: z.string().regex(/^pki(\.[a-z0-9-]+){3}$/),
  time: z.iso.datetime(),
  datacontenttype: z.literal("application/json"),
  traceparent: z.string().max(55).optional(),
  data: z.unknown(),
});

export type CloudEvent = z.infer<typeof CloudEvent>;

/** An event whose type is known and whose data fits it; `switch (event.type)` narrows `event.data`. */
export type FactEvent = {
  [T in FactType]: Omit<CloudEvent, "type" | "data"> & {
    readonly type: T;
    readonly data: FactData<T>;
    /** The tenant, from the subject. */
    readonly organisation: string;
  };
}[FactType];

export function buildCloudEvent(message: OutboxMessage, source: string): CloudEvent {
  return {
    specversion: "1.0",
    id: message.messageId,
    source,
    type: message.type,
    subject: message.subject,
    time: message.time.toISOString(),
    datacontenttype: "application/json",
    traceparent: message.traceparent,
    data: message.data,
  };
}

/** Throws REQUEST_MALFORMED for anything but a CloudEvent of ours. */
export function parseCloudEvent(body: Uint8Array): CloudEvent {
  try {
    return CloudEvent.parse(JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body)));
  } catch (cause) {
    throw new PkiError("REQUEST_MALFORMED", "not a CloudEvent", { cause });
  }
}

/** The fact an event tells, or undefined when its type is not known here, which a newer service may well send. Throws
 *  REQUEST_MALFORMED when the data does not fit the type. */
export function parseFact(event: CloudEvent): FactEvent | undefined {
  if (!isFactType(event.type)) return undefined;
  const data = FACTS[event.type].safeParse(event.data);
  if (!data.success) {
    throw new PkiError("REQUEST_MALFORMED", `the data is not that of ${event.type}`, { cause: data.error });
  }
  return { ...event, data: data.data, organisation: event.subject.split(".")[1] } as FactEvent;
}
