import type { Database } from "@vcc-pki/store";

/** Up to where the ca's log of changes has been applied. */
export interface Position {
  readonly generation: number;
  readonly sequence: number;
}

export class PositionTable {
  readonly #sql;

  constructor(db: Database) {
    this.#sql = {
      get: db.prepare<[], Position>("SELECT generation, sequence FROM ca_position WHERE id = 1"),
      set: db.prepare<[number, number]>(
        "INSERT OR REPLACE INTO ca_position (id, generation, sequence) VALUES (1, ?, ?)",
      ),
    };
  }

  get(): Position {
    return this.#sql.get.get() ?? { generation: 0, sequence: 0 };
  }

  /** In the transaction of what was applied. */
  set({ generation, sequence }: Position): void {
    this.#sql.set.run(generation, sequence);
  }
}
