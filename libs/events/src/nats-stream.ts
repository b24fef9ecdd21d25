import {
  DiscardPolicy,
  JetStreamApiError,
  type JetStreamManager,
  jetstreamManager,
  RetentionPolicy,
  StorageType,
  type StreamConfig,
} from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/nats-core";

export const STREAM = "PKI";

const NS_PER_MS = 1_000_000;
const STREAM_NOT_FOUND = 10_059;

/** How long the stream knows the ids it has stored. */
export const DUPLICATE_WINDOW_MS = 5 * 60_000;

/** Shorter than inboxes remember. For nats-server 2.9: no metadata, no compression, no per-message TTL. */
const MAX_AGE_MS = 14 * 86_400_000;

const config = (replicas: number) =>
  ({
    name: STREAM,
    subjects: ["pki.>"],
    retention: RetentionPolicy.Limits,
    storage: StorageType.File,
    discard: DiscardPolicy.Old,
    max_age: MAX_AGE_MS * NS_PER_MS,
    duplicate_window: DUPLICATE_WINDOW_MS * NS_PER_MS,
    num_replicas: replicas,
    allow_direct: true,
    deny_delete: true,
    deny_purge: true,
  }) satisfies Partial<StreamConfig>;

/** Creates the stream, or brings its limits up to date. Any number of services may do so at once. */
export async function ensureStream(connection: NatsConnection, replicas: number): Promise<JetStreamManager> {
  const manager = await jetstreamManager(connection);
  const wanted = config(replicas);
  try {
    const { config: present } = await manager.streams.info(STREAM);
    const same = Object.entries(wanted).every(
      ([key, value]) => JSON.stringify(present[key as keyof StreamConfig]) === JSON.stringify(value),
    );
    if (!same) await manager.streams.update(STREAM, { ...present, ...wanted });
  } catch (error) {
    if (!(error instanceof JetStreamApiError) || error.code !== STREAM_NOT_FOUND) throw error;
    await manager.streams.add(wanted);
  }
  return manager;
}
