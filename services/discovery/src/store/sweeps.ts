import type { Database } from "@vcc-pki/store";

/** A sweep through networks, and how far it has come. */
export interface SweepRecord {
  readonly sweepId: string;
  readonly organisation: string;
  readonly networks: readonly string[];
  readonly ports: readonly number[];
  readonly total: number;
  /** Targets before this one are done. */
  readonly next: number;
  readonly found: number;
  readonly refused: number;
  readonly verdicts: Readonly<Record<string, number>>;
  readonly startedAt: Date;
  readonly endedAt: Date | undefined;
}

interface Row {
  sweep_id: string;
  organisation: string;
  networks: string;
  ports: string;
  total: number;
  next: number;
  found: number;
  refused: number;
  verdicts: string;
  started_at: number;
  ended_at: number | null;
}

const COLUMNS =
  "sweep_id, organisation, networks, ports, total, next, found, refused, verdicts, started_at, ended_at" as const;

/** What writes belongs inside `store.write`. */
export class SweepTable {
  readonly #sql;

  constructor(db: Database) {
    const select = `SELECT ${COLUMNS} FROM sweeps`;
    this.#sql = {
      put: db.prepare(
        `INSERT OR REPLACE INTO sweeps (${COLUMNS}) VALUES (${COLUMNS.split(", ")
          .map((name) => `@${name}`)
          .join(", ")})`,
      ),
      find: db.prepare<[string, string], Row>(`${select} WHERE organisation = ? AND sweep_id = ?`),
      newest: db.prepare<[string], Row>(`${select} WHERE organisation = ? ORDER BY sweep_id DESC LIMIT 1`),
      underWay: db.prepare<[], Row>(`${select} WHERE ended_at IS NULL ORDER BY sweep_id`),
    };
  }

  put(record: SweepRecord): void {
    this.#sql.put.run({
      ...{ sweep_id: record.sweepId, organisation: record.organisation, total: record.total, next: record.next },
      ...{ networks: JSON.stringify(record.networks), ports: JSON.stringify(record.ports) },
      ...{ found: record.found, refused: record.refused, verdicts: JSON.stringify(record.verdicts) },
      ...{ started_at: record.startedAt.getTime(), ended_at: record.endedAt?.getTime() ?? null },
    });
  }

  find(organisation: string, sweepId: string): SweepRecord | undefined {
    const row = this.#sql.find.get(organisation, sweepId);
    return row && toRecord(row);
  }

  newest(organisation: string): SweepRecord | undefined {
    const row = this.#sql.newest.get(organisation);
    return row && toRecord(row);
  }

  underWay(): SweepRecord[] {
    return this.#sql.underWay.all().map(toRecord);
  }
}

const toRecord = (row: Row): SweepRecord => ({
  ...{ sweepId: row.sweep_id, organisation: row.organisation, total: row.total, next: row.next },
  ...{ networks: JSON.parse(row.networks), ports: JSON.parse(row.ports), verdicts: JSON.parse(row.verdicts) },
  ...{ found: row.found, refused: row.refused, startedAt: new Date(row.started_at) },
  endedAt: row.ended_at === null ? undefined : new Date(row.ended_at),
});
