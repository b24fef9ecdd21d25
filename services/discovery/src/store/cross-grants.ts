import type { Isolation } from "@vcc-pki/matrix";
import type { Database } from "@vcc-pki/store";

/** What both sides have to say alike. */
export interface CrossCall {
  readonly sourceOrganisation: string;
  /** A name, or one with "*". */
  readonly sourceService: string;
  readonly targetOrganisation: string;
  readonly targetService: string;
  readonly expiresAt: Date;
}

export interface CrossGrantRecord extends CrossCall {
  readonly id: string;
  readonly sourceIsolation: Isolation;
  readonly targetIsolation: Isolation;
  /** SPIFFE URIs. undefined: not yet. */
  readonly grantedBySource: string | undefined;
  readonly grantedByTarget: string | undefined;
  readonly withdrawnAt: Date | undefined;
}

interface Row {
  cross_grant_id: string;
  source_organisation: string;
  source_service: string;
  source_isolation: Isolation;
  target_organisation: string;
  target_service: string;
  target_isolation: Isolation;
  granted_by_source: string | null;
  granted_by_target: string | null;
  expires_at: number;
  withdrawn_at: number | null;
}

const COLUMNS = [
  ...["cross_grant_id", "source_organisation", "source_service", "source_isolation", "target_organisation"],
  ...["target_service", "target_isolation", "granted_by_source", "granted_by_target", "expires_at", "withdrawn_at"],
];
const MAX_LISTED = 1_000;

/** What writes belongs inside `store.write`. */
export class CrossGrantTable {
  readonly #sql;

  constructor(db: Database) {
    const select = `SELECT ${COLUMNS.join(", ")} FROM cross_grants`;
    const values = COLUMNS.map((name) => `@${name}`).join(", ");
    this.#sql = {
      put: db.prepare(`INSERT OR REPLACE INTO cross_grants (${COLUMNS.join(", ")}) VALUES (${values})`),
      find: db.prepare<[string], Row>(`${select} WHERE cross_grant_id = ?`),
      said: db.prepare<[string, string, string, string, number], Row>(
        `${select} WHERE source_organisation = ? AND source_service = ? AND target_organisation = ? AND target_service = ?
           AND expires_at = ? AND withdrawn_at IS NULL`,
      ),
      ofOrganisation: db.prepare<[string, string, number], Row>(
        `${select} WHERE source_organisation = ? OR target_organisation = ? ORDER BY expires_at DESC LIMIT ?`,
      ),
      between: db.prepare<[string, string], Row>(
        `${select} WHERE source_organisation = ? AND target_organisation = ? AND withdrawn_at IS NULL`,
      ),
    };
  }

  put(record: CrossGrantRecord): void {
    this.#sql.put.run(toRow(record));
  }

  find(id: string): CrossGrantRecord | undefined {
    return toRecord(this.#sql.find.get(id));
  }

  /** One of these words that is not withdrawn. */
  findSaid(call: CrossCall): CrossGrantRecord | undefined {
    const { sourceOrganisation, sourceService, targetOrganisation, targetService, expiresAt } = call;
    return toRecord(
      this.#sql.said.get(sourceOrganisation, sourceService, targetOrganisation, targetService, expiresAt.getTime()),
    );
  }

  /** That name it on either side, those that last longest first. */
  list(organisation: string): CrossGrantRecord[] {
    return this.#sql.ofOrganisation.all(organisation, organisation, MAX_LISTED).flatMap((row) => toRecord(row) ?? []);
  }

  /** From the one to the other, those that are not withdrawn. */
  between(sourceOrganisation: string, targetOrganisation: string): CrossGrantRecord[] {
    return this.#sql.between.all(sourceOrganisation, targetOrganisation).flatMap((row) => toRecord(row) ?? []);
  }
}

const toRow = (record: CrossGrantRecord): Row => ({
  cross_grant_id: record.id,
  source_organisation: record.sourceOrganisation,
  source_service: record.sourceService,
  source_isolation: record.sourceIsolation,
  target_organisation: record.targetOrganisation,
  target_service: record.targetService,
  target_isolation: record.targetIsolation,
  granted_by_source: record.grantedBySource ?? null,
  granted_by_target: record.grantedByTarget ?? null,
  expires_at: record.expiresAt.getTime(),
  withdrawn_at: record.withdrawnAt?.getTime() ?? null,
});

function toRecord(row: Row | undefined): CrossGrantRecord | undefined {
  if (row === undefined) return undefined;
  return {
    id: row.cross_grant_id,
    ...{ sourceOrganisation: row.source_organisation, sourceService: row.source_service },
    ...{ targetOrganisation: row.target_organisation, targetService: row.target_service },
    ...{ sourceIsolation: row.source_isolation, targetIsolation: row.target_isolation },
    grantedBySource: row.granted_by_source ?? undefined,
    grantedByTarget: row.granted_by_target ?? undefined,
    expiresAt: new Date(row.expires_at),
    withdrawnAt: row.withdrawn_at === null ? undefined : new Date(row.withdrawn_at),
  };
}
