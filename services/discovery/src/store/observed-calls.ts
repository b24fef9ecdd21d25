import type { Database } from "@vcc-pki/store";

/** Who has called whom, and how often. */
export interface ObservedCalls {
  /** Of who calls. */
  readonly organisation: string;
  readonly source: string;
  readonly targetOrganisation: string;
  readonly target: string;
  readonly allowed: number;
  readonly denied: number;
  readonly observedAt: Date;
}

interface Row {
  organisation: string;
  source: string;
  target_organisation: string;
  target: string;
  allowed: number;
  denied: number;
  observed_at: number;
}

/** A service that asks about everything under the sun is not remembered beyond this. */
const MAX_TARGETS = 1_000;

/** What writes belongs inside `store.write`. */
export class ObservedCallTable {
  readonly #sql;

  constructor(db: Database) {
    const columns = "organisation, source, target_organisation, target, allowed, denied, observed_at";
    this.#sql = {
      add: db.prepare(
        `INSERT INTO observed_calls (${columns})
         SELECT @organisation, @source, @targetOrganisation, @target, @allowed, @denied, @at
         WHERE (SELECT count(*) FROM observed_calls WHERE organisation = @organisation AND source = @source) < ${MAX_TARGETS}
            OR EXISTS (SELECT 1 FROM observed_calls WHERE organisation = @organisation AND source = @source
                         AND target_organisation = @targetOrganisation AND target = @target)
         ON CONFLICT DO UPDATE SET allowed = allowed + excluded.allowed, denied = denied + excluded.denied,
           observed_at = excluded.observed_at`,
      ),
      list: db.prepare<[string, number], Row>(
        `SELECT ${columns} FROM observed_calls WHERE organisation = ? ORDER BY source, target_organisation, target LIMIT ?`,
      ),
    };
  }

  /** To what is counted already. */
  add({ observedAt, ...calls }: ObservedCalls): void {
    this.#sql.add.run({ ...calls, at: observedAt.getTime() });
  }

  /** By the services of one organisation. */
  list(organisation: string, limit: number): ObservedCalls[] {
    return this.#sql.list.all(organisation, limit).map(({ target_organisation, observed_at, ...row }) => ({
      ...{ ...row, targetOrganisation: target_organisation, observedAt: new Date(observed_at) },
    }));
  }
}
