import type { Database } from "@vcc-pki/store";
import type { ClockEvidence } from "../clock/index.ts";

/** What writes belongs inside `store.write`. */
export class EvidenceTable {
  readonly #sql;

  constructor(db: Database) {
    this.#sql = {
      insert: db.prepare("INSERT INTO evidence (evidence_id, taken_at, body) VALUES (?, ?, ?)"),
      find: db.prepare<[string], string>("SELECT body FROM evidence WHERE evidence_id = ?").pluck(),
      forget: db.prepare("DELETE FROM evidence WHERE taken_at < ?"),
    };
  }

  insert(evidence: ClockEvidence): void {
    this.#sql.insert.run(evidence.id, evidence.takenAt.getTime(), JSON.stringify(evidence));
  }

  /** As JSON, with times in RFC 3339. */
  find(evidenceId: string): string | undefined {
    return this.#sql.find.get(evidenceId);
  }

  forgetBefore(time: Date): void {
    this.#sql.forget.run(time.getTime());
  }
}
