import type { Database } from "@vcc-pki/store";
import type { Webhook } from "../notices/webhook.ts";

interface Row {
  organisation: string;
  webhook_id: string;
  url: string;
  kinds: string;
  secret: Buffer;
  old_secret: Buffer | null;
  old_until: number | null;
  created_by: string;
  created_at: number;
}

/** Writes belong inside `store.write`. */
export class WebhookTable {
  readonly #sql;

  constructor(db: Database) {
    const columns = "organisation, webhook_id, url, kinds, secret, old_secret, old_until, created_by, created_at";
    this.#sql = {
      put: db.prepare(`INSERT INTO webhooks (${columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT DO UPDATE SET secret = excluded.secret, old_secret = excluded.old_secret, old_until = excluded.old_until`),
      find: db.prepare<[string, string], Row>(
        `SELECT ${columns} FROM webhooks WHERE organisation = ? AND webhook_id = ?`,
      ),
      of: db.prepare<[string], Row>(
        `SELECT ${columns} FROM webhooks WHERE organisation = ? ORDER BY created_at, webhook_id`,
      ),
      remove: db.prepare<[string, string]>("DELETE FROM webhooks WHERE organisation = ? AND webhook_id = ?"),
    };
  }

  put({ organisation, webhookId, url, kinds, secret, oldSecret, oldUntil, createdBy, createdAt }: Webhook): void {
    this.#sql.put.run(
      ...[organisation, webhookId, url, JSON.stringify(kinds), Buffer.from(secret)],
      ...[oldSecret ? Buffer.from(oldSecret) : null, oldUntil?.getTime() ?? null, createdBy, createdAt.getTime()],
    );
  }

  find({ organisation, webhookId }: Pick<Webhook, "organisation" | "webhookId">): Webhook | undefined {
    const row = this.#sql.find.get(organisation, webhookId);
    return row && toWebhook(row);
  }

  of(organisation: string): readonly Webhook[] {
    return this.#sql.of.all(organisation).map(toWebhook);
  }

  /** With what waits for it. */
  remove({ organisation, webhookId }: Webhook): void {
    this.#sql.remove.run(organisation, webhookId);
  }
}

const toWebhook = (row: Row): Webhook => ({
  ...{ organisation: row.organisation, webhookId: row.webhook_id, url: row.url, kinds: JSON.parse(row.kinds) },
  ...{ secret: row.secret, oldSecret: row.old_secret ?? undefined },
  oldUntil: row.old_until === null ? undefined : new Date(row.old_until),
  ...{ createdBy: row.created_by, createdAt: new Date(row.created_at) },
});
