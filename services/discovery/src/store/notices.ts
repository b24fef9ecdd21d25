import type { Database } from "@vcc-pki/store";
import type { ServiceKey } from "../service-record.ts";

/** Why an agent has to get a certificate, in one word. */
export type RenewalReason = "no-certificate" | "expiring" | "served-expired" | "served-foreign" | "served-nothing";

/** Something that an agent has to do. */
export interface Notice extends ServiceKey {
  readonly noticeId: number;
  /** The service whose agent is told. */
  readonly agent: string;
  readonly reason: RenewalReason;
}

interface Row {
  notice_id: number;
  organisation: string;
  agent: string;
  service: string;
  reason: RenewalReason;
}

/** What writes belongs inside `store.write`. */
export class NoticeTable {
  readonly #sql;

  constructor(db: Database) {
    const open = "SELECT notice_id, organisation, agent, service, reason FROM notices WHERE done_at IS NULL";
    this.#sql = {
      insert: db.prepare("INSERT INTO notices (organisation, agent, service, reason, told_at) VALUES (?, ?, ?, ?, ?)"),
      findOpen: db.prepare<[string, string], Row>(`${open} AND organisation = ? AND service = ?`),
      after: db.prepare<[string, string, number, number], Row>(
        `${open} AND organisation = ? AND agent = ? AND notice_id > ? ORDER BY notice_id LIMIT ?`,
      ),
      finish: db.prepare("UPDATE notices SET done_at = ? WHERE organisation = ? AND service = ? AND done_at IS NULL"),
    };
  }

  insert({ organisation, service, agent, reason }: Omit<Notice, "noticeId">, now: Date): void {
    this.#sql.insert.run(organisation, agent, service, reason, now.getTime());
  }

  findOpen({ organisation, service }: ServiceKey): Notice | undefined {
    const row = this.#sql.findOpen.get(organisation, service);
    return row && toNotice(row);
  }

  /** What this agent has still to do, after a notice, the oldest first. */
  openAfter({ organisation, service: agent }: ServiceKey, noticeId: number, limit: number): Notice[] {
    return this.#sql.after.all(organisation, agent, noticeId, limit).map(toNotice);
  }

  finish({ organisation, service }: ServiceKey, now: Date): void {
    this.#sql.finish.run(now.getTime(), organisation, service);
  }
}

const toNotice = ({ notice_id, ...row }: Row): Notice => ({ ...row, noticeId: notice_id });
