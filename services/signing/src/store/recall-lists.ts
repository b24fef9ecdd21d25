import type { Digest, RecallEntry } from "@vcc-pki/artefact";
import type { Database } from "@vcc-pki/store";

export interface PublishedList {
  readonly shard: number;
  readonly number: number;
  /** Of what it lists. */
  readonly entriesSha256: Uint8Array;
  readonly thisUpdate: Date;
  readonly nextUpdate: Date;
  readonly bundle: Uint8Array;
}

interface Row {
  shard: number;
  number: number;
  entries_sha256: Buffer;
  this_update: number;
  next_update: number;
  bundle: Buffer;
}

/** The lists that are published, and what is to stand in them. What writes belongs inside `store.write`. */
export class RecallListTable {
  readonly #sql;

  constructor(db: Database) {
    this.#sql = {
      find: db.prepare<[number], Row>(
        "SELECT shard, number, entries_sha256, this_update, next_update, bundle FROM recall_lists WHERE shard = ?",
      ),
      put: db.prepare(
        `INSERT INTO recall_lists (shard, number, entries_sha256, this_update, next_update, bundle) VALUES (?, ?, ?, ?, ?, ?)
         ON CONFLICT (shard) DO UPDATE SET number = excluded.number, entries_sha256 = excluded.entries_sha256,
           this_update = excluded.this_update, next_update = excluded.next_update, bundle = excluded.bundle
         WHERE excluded.number > number`,
      ),
      entries: db.prepare<[string], { organisation: string; digest: Digest; reason: string; recalled_at: number }>(
        `SELECT recalled_artefacts.organisation, artefact_digest AS digest, reason, recalled_at
         FROM recalled_artefacts JOIN recalls USING (recall) WHERE substr(artefact_digest, 8, 1) = ?
         ORDER BY recalled_artefacts.organisation, artefact_digest`,
      ),
    };
  }

  find(shard: number): PublishedList | undefined {
    const row = this.#sql.find.get(shard);
    if (row === undefined) return undefined;
    const { entries_sha256: entriesSha256, number, bundle } = row;
    return {
      ...{ shard, number, entriesSha256, bundle },
      ...{ thisUpdate: new Date(row.this_update), nextUpdate: new Date(row.next_update) },
    };
  }

  /** In the place of one with a smaller number. */
  put({ shard, number, entriesSha256, thisUpdate, nextUpdate, bundle }: PublishedList): void {
    this.#sql.put.run(shard, number, entriesSha256, thisUpdate.getTime(), nextUpdate.getTime(), bundle);
  }

  /** What is recalled of the artefacts of a shard, in a fixed order. */
  entriesOf(shard: number): RecallEntry[] {
    return this.#sql.entries
      .all(shard.toString(16))
      .map(({ recalled_at, ...entry }) => ({ ...entry, recalledAt: new Date(recalled_at) }));
  }
}
