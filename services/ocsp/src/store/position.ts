import type { Database } from "@vcc-pki/store";

/** How far the ca's changes of status have been followed. */
export interface Position {
  /** Serial generation of the ca; 0: never heard of it. */
  readonly generation: number;
  /** Sequence of the last change that was applied. */
  readonly sequence: number;
  /** Counts the starts from the first change. */
  readonly epoch: number;
  /** False while such a start has not reached the end. */
  readonly complete: boolean;
}

export class PositionTable {
  readonly #sql;

  constructor(db: Database) {
    this.#sql = {
      read: db.prepare<[], { generation: number; sequence: number; epoch: number; complete: number }>(
        "SELECT generation, sequence, epoch, complete FROM position",
      ),
      write: db.prepare("UPDATE position SET generation = ?, sequence = ?, epoch = ?, complete = ?"),
    };
  }

  read(): Position {
    const row = this.#sql.read.get();
    if (row === undefined) throw new Error("the position is gone");
    return { ...row, complete: row.complete === 1 };
  }

  /** Only inside `store.write`. */
  write({ generation, sequence, epoch, complete }: Position): void {
    this.#sql.write.run(generation, sequence, epoch, complete ? 1 : 0);
  }
}
