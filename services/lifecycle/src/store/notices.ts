import type { Database } from "@vcc-pki/store";
import type { Kind, Notice, Severity } from "../notices/notice.ts";

export interface StoredNotice extends Notice {
  readonly noticeId: number;
  readonly acknowledgedAt: Date | undefined;
  /** SPIFFE URI. */
  readonly acknowledgedBy: string | undefined;
}

interface Row {
  notice_id: number;
  organisation: string;
  topic: string;
  kind: Kind;
  severity: Severity;
  subject: string;
  text: string;
  raised_at: number;
  acknowledged_at: number | null;
  acknowledged_by: string | null;
}

/** Writes belong inside `store.write`. */
export class NoticeTable {
  readonly #sql;

  constructor(db: Database) {
    const select = `SELECT notice_id, organisation, topic, kind, severity, subject, text, raised_at, acknowledged_at, acknowledged_by FROM notices`;
    this.#sql = {
      insert: db.prepare(
        `INSERT OR IGNORE INTO notices (organisation, topic, kind, severity, subject, text, raised_at) VALUES (?, ?, ?, ?, ?, ?, ?)`,
      ),
      find: db.prepare<[string, number], Row>(`${select} WHERE organisation = ? AND notice_id = ?`),
      page: db.prepare<[object], Row>(
        `${select} WHERE organisation = @organisation AND notice_id < @before AND (@all OR acknowledged_at IS NULL)
         ORDER BY notice_id DESC LIMIT @limit`,
      ),
      after: db.prepare<[string, number], Row>(`${select} WHERE organisation = ? AND notice_id > ? ORDER BY notice_id`),
      acknowledge: db.prepare(
        `UPDATE notices SET acknowledged_at = ?, acknowledged_by = ? WHERE organisation = ? AND notice_id = ? AND acknowledged_at IS NULL`,
      ),
    };
  }

  /** Its number, or undefined when it was told before. */
  add({ organisation, topic, kind, severity, subject, text, raisedAt }: Notice): number | undefined {
    const made = this.#sql.insert.run(organisation, topic, kind, severity, subject, text, raisedAt.getTime());
    return made.changes === 0 ? undefined : Number(made.lastInsertRowid);
  }

  find(organisation: string, noticeId: number): StoredNotice | undefined {
    const row = this.#sql.find.get(organisation, noticeId);
    return row && toNotice(row);
  }

  /** The newest first. */
  page(
    organisation: string,
    { before, all, limit }: { before: number; all: boolean; limit: number },
  ): readonly StoredNotice[] {
    return this.#sql.page.all({ organisation, before, all: all ? 1 : 0, limit }).map(toNotice);
  }

  /** All with a greater number, the oldest first. */
  after(organisation: string, noticeId: number): readonly StoredNotice[] {
    return this.#sql.after.all(organisation, noticeId).map(toNotice);
  }

  acknowledge(organisation: string, noticeId: number, by: string, at: Date): void {
    this.#sql.acknowledge.run(at.getTime(), by, organisation, noticeId);
  }
}

const toNotice = (row: Row): StoredNotice => ({
  ...{ noticeId: row.notice_id, organisation: row.organisation, topic: row.topic, kind: row.kind },
  ...{ severity: row.severity, subject: row.subject, text: row.text, raisedAt: new Date(row.raised_at) },
  acknowledgedAt: row.acknowledged_at === null ? undefined : new Date(row.acknowledged_at),
  acknowledgedBy: row.acknowledged_by ?? undefined,
});
