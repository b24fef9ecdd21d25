import type { Database } from "@vcc-pki/store";
import type { CertificateKey } from "../certificate.ts";
import type { Change, State } from "../states.ts";

/** What happened to a certificate, when, by whom and why. */
export interface CertificateChange {
  readonly change: Change;
  readonly from: State | undefined;
  readonly to: State;
  readonly reason: string;
  /** SPIFFE URI. */
  readonly actor: string;
  readonly at: Date;
}

interface Row {
  change: Change;
  from_state: State | null;
  to_state: State;
  reason: string;
  actor: string;
  at: number;
}

/** The history. Writes belong inside `store.write`. */
export class ChangeTable {
  readonly #sql;

  constructor(db: Database) {
    this.#sql = {
      insert: db.prepare(
        `INSERT INTO changes (organisation, certificate_id, change, from_state, to_state, reason, actor, at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
      ),
      of: db.prepare<[string, string], Row>(
        `SELECT change, from_state, to_state, reason, actor, at FROM changes
         WHERE organisation = ? AND certificate_id = ? ORDER BY change_id LIMIT 1000`,
      ),
    };
  }

  add(
    { organisation, certificateId }: CertificateKey,
    { change, from, to, reason, actor, at }: CertificateChange,
  ): void {
    this.#sql.insert.run(organisation, certificateId, change, from ?? null, to, reason, actor, at.getTime());
  }

  /** The oldest first, a thousand at most. */
  of({ organisation, certificateId }: CertificateKey): readonly CertificateChange[] {
    return this.#sql.of.all(organisation, certificateId).map(({ from_state, to_state, at, ...row }) => ({
      ...row,
      ...{ from: from_state ?? undefined, to: to_state, at: new Date(at) },
    }));
  }
}
