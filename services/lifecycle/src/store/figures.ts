import type { Database } from "@vcc-pki/store";
import type { Change, State } from "../states.ts";

/** From (inclusive) until (exclusive). */
export interface Period {
  readonly from: Date;
  readonly until: Date;
}

export interface Count {
  readonly profile: string;
  readonly change: Change;
  readonly to: State;
  readonly count: number;
}

/** What reports count. */
export class FigureTable {
  readonly #sql;

  constructor(db: Database) {
    const joined = "FROM changes h JOIN certificates c USING (organisation, certificate_id)";
    const inPeriod = "h.organisation = @organisation AND h.at >= @from AND h.at < @until";
    this.#sql = {
      changes: db.prepare<[object], Count>(
        `SELECT c.profile, h.change, h.to_state AS "to", count(*) AS count ${joined} WHERE ${inPeriod}
         GROUP BY c.profile, h.change, h.to_state ORDER BY c.profile`,
      ),
      succeeding: db.prepare<[object], { profile: string; count: number }>(
        `SELECT c.profile, count(*) AS count ${joined} WHERE ${inPeriod} AND h.change = 'issued' AND c.predecessor_id IS NOT NULL GROUP BY c.profile`,
      ),
      replacement: db
        .prepare<[object], number | null>(
          `SELECT avg(h.at - c.issued_at) / 1000.0 ${joined} WHERE ${inPeriod} AND h.change = 'served' AND c.predecessor_id IS NOT NULL`,
        )
        .pluck(),
      states: db.prepare<[string], { state: State; count: number }>(
        "SELECT state, count(*) AS count FROM certificates WHERE organisation = ? GROUP BY state",
      ),
      ending: db
        .prepare<[object], number>(
          `SELECT count(*) FROM certificates WHERE organisation = @organisation AND not_after >= @from AND not_after < @until
           AND state IN ('issued', 'active', 'expiring', 'renewing', 'suspended')`,
        )
        .pluck(),
      ended: db
        .prepare<[object], string>(
          `SELECT h.certificate_id FROM changes h WHERE ${inPeriod} AND h.to_state = 'expired' ORDER BY h.at DESC LIMIT @limit`,
        )
        .pluck(),
    };
  }

  /** How often each change happened, by profile. */
  changes(organisation: string, period: Period): readonly Count[] {
    return this.#sql.changes.all(bind(organisation, period));
  }

  /** Certificates issued to take over from another, by profile. */
  succeeding(organisation: string, period: Period): ReadonlyMap<string, number> {
    const rows = this.#sql.succeeding.all(bind(organisation, period));
    return new Map(rows.map(({ profile, count }) => [profile, count]));
  }

  /** Mean time from a successor's issuance until it was seen in use, in seconds. */
  meanReplacementSeconds(organisation: string, period: Period): number | undefined {
    return this.#sql.replacement.get(bind(organisation, period)) ?? undefined;
  }

  states(organisation: string): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#sql.states.all(organisation).map(({ state, count }) => [state, count]));
  }

  /** Certificates that end then, without a successor in use. */
  ending(organisation: string, period: Period): number {
    return this.#sql.ending.get(bind(organisation, period)) ?? 0;
  }

  /** Ids of what ended without a successor, the newest first. */
  ended(organisation: string, period: Period, limit: number): readonly string[] {
    return this.#sql.ended.all({ ...bind(organisation, period), limit });
  }
}

const bind = (organisation: string, { from, until }: Period) => ({
  ...{ organisation, from: from.getTime(), until: until.getTime() },
});
