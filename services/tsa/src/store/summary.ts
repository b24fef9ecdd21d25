import type { Database } from "@vcc-pki/store";
import type { Tally } from "../summary.ts";

interface Row {
  unit: string;
  organisation: string;
  tokens: number;
  first: number;
  last: number;
}

/** How far events have told of the log. What writes belongs inside `store.write`. */
export class SummaryTable {
  readonly #sql;

  constructor(db: Database) {
    this.#sql = {
      told: db.prepare<[], number>("SELECT token FROM summary").pluck(),
      setTold: db.prepare("UPDATE summary SET token = ?"),
      last: db.prepare<[], number | null>("SELECT max(token) FROM tokens").pluck(),
      tally: db.prepare<[number], Row>(
        `SELECT unit, tokens.organisation AS organisation, count(*) AS tokens, min(token) AS first, max(token) AS last
         FROM tokens JOIN unit_keys USING (unit_key) WHERE token > ? GROUP BY unit, tokens.organisation`,
      ),
      name: db.prepare<[number], { serial: Buffer; gen_time: number }>(
        "SELECT serial, gen_time FROM tokens WHERE token = ?",
      ),
    };
  }

  lastTold(): number {
    return this.#sql.told.get() ?? 0;
  }

  setLastTold(token: number): void {
    this.#sql.setTold.run(token);
  }

  /** 0: the log is empty. */
  lastToken(): number {
    return this.#sql.last.get() ?? 0;
  }

  tallyAfter(token: number): Tally[] {
    return this.#sql.tally.all(token).map(({ unit, organisation, tokens: count, first, last }) => ({
      ...{ unit, organisation, count },
      ...{ first: this.#nameOf(first), last: this.#nameOf(last) },
    }));
  }

  #nameOf(token: number): Tally["first"] {
    const row = this.#sql.name.get(token);
    if (row === undefined) throw new Error("a token is gone");
    return { serial: row.serial, genTime: new Date(row.gen_time) };
  }
}
