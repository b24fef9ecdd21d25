import type { Finding } from "@vcc-pki/matrix";
import type { Database } from "@vcc-pki/store";

/** A matrix that came into force. */
export interface MatrixRecord {
  /** "": the shipped one. */
  readonly organisation: string;
  /** From 1 in each organisation. */
  readonly version: number;
  readonly yaml: string;
  readonly sha256: Uint8Array;
  /** As it was understood: "vcc-matrix-1", JSON. */
  readonly document: string;
  readonly findings: readonly Finding[];
  /** SPIFFE URI. */
  readonly putBy: string;
  readonly putAt: Date;
}

interface Row {
  organisation: string;
  version: number;
  yaml: string;
  sha256: Buffer;
  document: string;
  findings: string;
  put_by: string;
  put_at: number;
}

const COLUMNS = "organisation, version, yaml, sha256, document, findings, put_by, put_at";

/** It only grows. What writes belongs inside `store.write`. */
export class MatrixTable {
  readonly #sql;

  constructor(db: Database) {
    const select = `SELECT ${COLUMNS} FROM matrices WHERE organisation = ?`;
    this.#sql = {
      insert: db.prepare(`INSERT INTO matrices (${COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`),
      newest: db.prepare<[string], Row>(`${select} ORDER BY version DESC LIMIT 1`),
      find: db.prepare<[string, number], Row>(`${select} AND version = ?`),
    };
  }

  insert({ organisation, version, yaml, sha256, document, findings, putBy, putAt }: MatrixRecord): void {
    this.#sql.insert.run(
      ...[organisation, version, yaml, sha256, document, JSON.stringify(findings), putBy, putAt.getTime()],
    );
  }

  newest(organisation: string): MatrixRecord | undefined {
    const row = this.#sql.newest.get(organisation);
    return row && toRecord(row);
  }

  find(organisation: string, version: number): MatrixRecord | undefined {
    const row = this.#sql.find.get(organisation, version);
    return row && toRecord(row);
  }
}

const toRecord = ({ findings, put_by, put_at, ...row }: Row): MatrixRecord => ({
  ...row,
  ...{ findings: JSON.parse(findings) as Finding[], putBy: put_by, putAt: new Date(put_at) },
});
