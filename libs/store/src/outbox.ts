import { randomUUIDv7 } from "node:crypto";
import { injectContext } from "@vcc-pki/telemetry";
import type { Clock } from "@vcc-pki/time";
import type { GroupCommit } from "./group-commit.ts";
import type { Database } from "./sqlite.ts";

export interface OutboxEvent {
  /** NATS subject, e.g. "pki.brandenburg.certificate.issued". */
  readonly subject: string;
  /** Type of the fact with its version, e.g. "pki.certificate.issued.v1". */
  readonly type: string;
  /** JSON value. */
  readonly data: unknown;
  /** W3C traceparent; that of the active span unless given. */
  readonly traceparent?: string;
}

export interface OutboxMessage extends OutboxEvent {
  /** Place in the order of this store. */
  readonly id: number;
  /** UUIDv7, unique everywhere: also after a restored backup, which repeats `id`. */
  readonly messageId: string;
  readonly time: Date;
}

interface Row {
  id: number;
  message_id: string;
  subject: string;
  type: string;
  time: number;
  traceparent: string | null;
  body: string;
}

/** How long published messages are kept, so that `rewind` can send them again. */
const KEPT_MS = 15 * 60_000;

/** Facts on their way to the bus. Added in the transaction of what they tell; a relay publishes them in order. */
export class Outbox {
  readonly #commit: GroupCommit;
  readonly #clock: Clock;
  readonly #listeners = new Set<() => void>();
  readonly #sql;
  #addedSinceCommit = false;

  constructor(db: Database, commit: GroupCommit, clock: Clock) {
    this.#commit = commit;
    this.#clock = clock;
    this.#sql = prepare(db);
    commit.onCommitted(() => this.#announce());
  }

  /** Adds a message and returns its message id. Only inside `store.write`. */
  add({ subject, type, data, traceparent = injectContext().traceparent }: OutboxEvent): string {
    this.#commit.requireWriting("outbox.add");
    const messageId = randomUUIDv7();
    this.#sql.insert.run(
      messageId,
      subject,
      type,
      this.#clock.now().getTime(),
      traceparent ?? null,
      JSON.stringify(data),
    );
    this.#addedSinceCommit = true;
    return messageId;
  }

  /** The oldest messages that are not published, in order. */
  pending(limit: number): OutboxMessage[] {
    return this.#sql.pending.all(limit).map(toMessage);
  }

  /** How many messages wait. */
  pendingCount(): number {
    return this.#sql.pendingCount.get() ?? 0;
  }

  /** The newest message that has been published, while it is kept: 15 minutes at least. */
  lastPublished(): OutboxMessage | undefined {
    const row = this.#sql.lastPublished.get();
    return row && toMessage(row);
  }

  /** Records that every message up to and including `id` has been published. Only inside `store.write`. */
  markPublished(id: number): void {
    this.#commit.requireWriting("outbox.markPublished");
    this.#sql.moveCursor.run(id, id);
    this.#sql.forget.run(this.#clock.now().getTime() - KEPT_MS);
  }

  /** Makes published messages from `since` on pending again, for a bus that may have lost what it had acknowledged.
   *  Reaches back 15 minutes at most. Only inside `store.write`. */
  rewind(since: Date): void {
    this.#commit.requireWriting("outbox.rewind");
    this.#sql.rewind.run(since.getTime());
  }

  /** Calls `listener` after a commit that added messages. Returns the function that stops it. */
  onAdded(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #announce(): void {
    if (!this.#addedSinceCommit) return;
    this.#addedSinceCommit = false;
    for (const listener of this.#listeners) listener();
  }
}

function prepare(db: Database) {
  return {
    insert: db.prepare(
      "INSERT INTO outbox (message_id, subject, type, time, traceparent, body) VALUES (?, ?, ?, ?, ?, ?)",
    ),
    pending: db.prepare<[number], Row>(
      `SELECT id, message_id, subject, type, time, traceparent, body FROM outbox
       WHERE id > (SELECT published_id FROM outbox_cursor) ORDER BY id LIMIT ?`,
    ),
    lastPublished: db.prepare<[], Row>(
      `SELECT id, message_id, subject, type, time, traceparent, body FROM outbox
       WHERE id <= (SELECT published_id FROM outbox_cursor) ORDER BY id DESC LIMIT 1`,
    ),
    pendingCount: db
      .prepare<[], number>("SELECT count(*) FROM outbox WHERE id > (SELECT published_id FROM outbox_cursor)")
      .pluck(),
    moveCursor: db.prepare("UPDATE outbox_cursor SET published_id = ? WHERE published_id < ?"),
    // Looks at the oldest rows only: a batch never publishes more than that, and a long history is cleared step by step.
    forget: db.prepare(
      `DELETE FROM outbox WHERE id IN (SELECT id FROM (
         SELECT id, time FROM outbox WHERE id <= (SELECT published_id FROM outbox_cursor) ORDER BY id LIMIT 1024
       ) WHERE time < ?)`,
    ),
    rewind: db.prepare(
      `UPDATE outbox_cursor SET published_id = min(published_id,
         coalesce((SELECT id - 1 FROM outbox WHERE time >= ? ORDER BY id LIMIT 1), published_id))`,
    ),
  };
}

function toMessage(row: Row): OutboxMessage {
  return {
    id: row.id,
    messageId: row.message_id,
    subject: row.subject,
    type: row.type,
    time: new Date(row.time),
    traceparent: row.traceparent ?? undefined,
    data: JSON.parse(row.body),
  };
}
