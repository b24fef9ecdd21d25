import type { Database } from "@vcc-pki/store";
import type { ListKey } from "./lists.ts";

/** A full list that a delta list may be about. */
export interface ListBase {
  readonly crlNumber: number;
  readonly thisUpdate: Date;
  /** Up to where in the status log it says everything. */
  readonly logSequence: number;
}

interface Row {
  crl_number: number;
  this_update: number;
  log_sequence: number;
}

/** Full lists that were published and may still be in use, by number, time and what they know. What writes belongs inside
 *  `store.write`. */
export class ListBases {
  readonly #sql;

  constructor(db: Database) {
    this.#sql = {
      all: db.prepare<[string, string, number], Row>(
        `SELECT crl_number, this_update, log_sequence FROM crl_bases WHERE ${LIST} ORDER BY crl_number`,
      ),
      insert: db.prepare(
        `INSERT INTO crl_bases (organisation, authority_id, crl_shard, crl_number, this_update, log_sequence)
         VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
      ),
      forgetBefore: db.prepare(`DELETE FROM crl_bases WHERE ${LIST} AND crl_number < ?`),
    };
  }

  /** The newest that is at least as old as `usedSince`, so that no list still in use is older, and all after it; in their order. */
  since({ organisation, authorityId, crlShard }: ListKey, usedSince: Date): ListBase[] {
    const all = this.#sql.all.all(organisation, authorityId, crlShard).map(toBase);
    const first = all.findLastIndex(({ thisUpdate }) => thisUpdate <= usedSince);
    return all.slice(Math.max(first, 0));
  }

  /** Takes note of a list unless the one before is younger than `intervalMs`, and forgets those that nobody uses any more. Returns the
   *  oldest that is left. */
  add(key: ListKey, base: ListBase, usedSince: Date, intervalMs: number): ListBase {
    const { organisation, authorityId, crlShard } = key;
    const kept = this.since(key, usedSince);
    const [oldest = base] = kept;
    this.#sql.forgetBefore.run(organisation, authorityId, crlShard, oldest.crlNumber);
    const newest = kept.at(-1);
    const isSoon = newest !== undefined && base.thisUpdate.getTime() - newest.thisUpdate.getTime() < intervalMs;
    if (!isSoon) {
      const { crlNumber, thisUpdate, logSequence } = base;
      this.#sql.insert.run(organisation, authorityId, crlShard, crlNumber, thisUpdate.getTime(), logSequence);
    }
    return oldest;
  }
}

const LIST = "organisation = ? AND authority_id = ? AND crl_shard = ?";

const toBase = (row: Row): ListBase => ({
  crlNumber: row.crl_number,
  thisUpdate: new Date(row.this_update),
  logSequence: row.log_sequence,
});
