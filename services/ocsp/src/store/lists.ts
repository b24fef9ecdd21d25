import type { Database } from "@vcc-pki/store";

/** Which certificate revocation list. */
export interface ListName {
  readonly authorityId: string;
  readonly shard: number;
  readonly delta: boolean;
}

export interface StoredList extends ListName {
  readonly crlNumber: number;
  readonly thisUpdate: Date;
  readonly nextUpdate: Date;
  readonly crlDer: Uint8Array;
}

interface Row {
  authority_id: string;
  shard: number;
  delta: number;
  crl_number: number;
  this_update: number;
  next_update: number;
  crl_der: Buffer;
}

/** The lists in force. What writes belongs inside `store.write`. */
export class ListTable {
  readonly #sql;

  constructor(db: Database) {
    this.#sql = {
      all: db.prepare<[], Row>(
        `SELECT authority_id, shard, delta, crl_number, this_update, next_update, crl_der FROM lists
         ORDER BY authority_id, shard, delta`,
      ),
      put: db.prepare(
        `INSERT OR REPLACE INTO lists (authority_id, shard, delta, crl_number, this_update, next_update, crl_der)
         VALUES (?, ?, ?, ?, ?, ?, ?)`,
      ),
    };
  }

  all(): StoredList[] {
    return this.#sql.all.all().map((row) => ({
      ...{ authorityId: row.authority_id, shard: row.shard, delta: row.delta === 1, crlNumber: row.crl_number },
      ...{ thisUpdate: new Date(row.this_update), nextUpdate: new Date(row.next_update), crlDer: row.crl_der },
    }));
  }

  put({ authorityId, shard, delta, crlNumber, thisUpdate, nextUpdate, crlDer }: StoredList): void {
    this.#sql.put.run(
      ...[authorityId, shard, delta ? 1 : 0, crlNumber, thisUpdate.getTime(), nextUpdate.getTime(), crlDer],
    );
  }
}
