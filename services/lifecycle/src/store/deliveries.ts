import type { Database } from "@vcc-pki/store";

export type DeliveryState = "waiting" | "delivered" | "dead";

/** A notice on its way to a webhook. */
export interface Delivery {
  readonly organisation: string;
  readonly webhookId: string;
  readonly noticeId: number;
  readonly state: DeliveryState;
  readonly attempts: number;
  readonly dueAt: Date;
  /** Of the last attempt: "204", "timeout", "loopback". Empty: there was none. */
  readonly outcome: string;
}

interface Row {
  organisation: string;
  webhook_id: string;
  notice_id: number;
  state: DeliveryState;
  attempts: number;
  due_at: number;
  outcome: string;
}

/** Writes belong inside `store.write`. */
export class DeliveryTable {
  readonly #sql;

  constructor(db: Database) {
    const columns = "organisation, webhook_id, notice_id, state, attempts, due_at, outcome";
    this.#sql = {
      set: db.prepare<[object]>(`INSERT INTO deliveries (${columns})
        SELECT @organisation, @webhookId, @noticeId, @state, @attempts, @due, @outcome
        WHERE EXISTS (SELECT 1 FROM webhooks WHERE organisation = @organisation AND webhook_id = @webhookId)
        ON CONFLICT DO UPDATE SET state = excluded.state, attempts = excluded.attempts, due_at = excluded.due_at, outcome = excluded.outcome`),
      due: db.prepare<[number, number], Row>(
        `SELECT ${columns} FROM deliveries WHERE state = 'waiting' AND due_at <= ? ORDER BY due_at LIMIT ?`,
      ),
      of: db.prepare<[object], Row>(
        `SELECT ${columns} FROM deliveries WHERE organisation = @organisation AND webhook_id = @webhookId
         AND (@state = '' OR state = @state) ORDER BY notice_id DESC LIMIT @limit`,
      ),
    };
  }

  /** Nothing for a webhook that was removed meanwhile. */
  set({ dueAt, ...delivery }: Delivery): void {
    this.#sql.set.run({ ...delivery, due: dueAt.getTime() });
  }

  due(now: Date, limit: number): readonly Delivery[] {
    return this.#sql.due.all(now.getTime(), limit).map(toDelivery);
  }

  /** The newest first. "": any state. */
  of(
    webhook: Pick<Delivery, "organisation" | "webhookId">,
    state: DeliveryState | "",
    limit: number,
  ): readonly Delivery[] {
    const { organisation, webhookId } = webhook;
    return this.#sql.of.all({ organisation, webhookId, state, limit }).map(toDelivery);
  }
}

const toDelivery = (row: Row): Delivery => ({
  ...{ organisation: row.organisation, webhookId: row.webhook_id, noticeId: row.notice_id, state: row.state },
  ...{ attempts: row.attempts, dueAt: new Date(row.due_at), outcome: row.outcome },
});
