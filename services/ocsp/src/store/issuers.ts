import type { Database } from "@vcc-pki/store";

/** An authority as the ca lists it. */
export interface IssuerFacts {
  readonly authorityId: string;
  readonly organisation: string;
  /** undefined: a root. */
  readonly parentId: string | undefined;
  readonly state: "active" | "revoked";
  /** undefined: known by its certificates alone so far. */
  readonly certificateDer: Uint8Array | undefined;
  readonly issuesResponders: boolean;
  readonly archives: boolean;
  readonly crlShards: number;
}

export interface StoredIssuer extends IssuerFacts {
  readonly issuer: number;
}

interface Row {
  issuer: number;
  authority_id: string;
  organisation: string;
  parent_id: string | null;
  state: "active" | "revoked";
  certificate_der: Buffer | null;
  issues_responders: number;
  archives: number;
  crl_shards: number;
}

/** Authorities by the small number we give them. What writes belongs inside `store.write`. */
export class IssuerTable {
  readonly #sql;

  constructor(db: Database) {
    this.#sql = {
      all: db.prepare<[], Row>(
        `SELECT issuer, authority_id, organisation, parent_id, state, certificate_der, issues_responders, archives, crl_shards
         FROM issuers ORDER BY issuer`,
      ),
      number: db.prepare<[string], number>("SELECT issuer FROM issuers WHERE authority_id = ?").pluck(),
      insert: db.prepare(
        `INSERT INTO issuers (authority_id, organisation, state, issues_responders, archives, crl_shards)
         VALUES (?, ?, 'active', 0, 0, 0)`,
      ),
      update: db.prepare(
        `UPDATE issuers SET organisation = ?, parent_id = ?, state = ?, certificate_der = ?, issues_responders = ?, archives = ?,
           crl_shards = ? WHERE issuer = ?`,
      ),
    };
  }

  all(): StoredIssuer[] {
    return this.#sql.all.all().map((row) => ({
      ...{ issuer: row.issuer, authorityId: row.authority_id, organisation: row.organisation, state: row.state },
      parentId: row.parent_id ?? undefined,
      certificateDer: row.certificate_der ?? undefined,
      ...{ issuesResponders: row.issues_responders === 1, archives: row.archives === 1, crlShards: row.crl_shards },
    }));
  }

  /** The number of an authority, which gets one if it has none. */
  numberOf(authorityId: string, organisation: string): number {
    return this.#sql.number.get(authorityId) ?? Number(this.#sql.insert.run(authorityId, organisation).lastInsertRowid);
  }

  store(facts: IssuerFacts): void {
    const { authorityId, organisation, parentId, state, certificateDer, issuesResponders, archives, crlShards } = facts;
    const flags = [issuesResponders ? 1 : 0, archives ? 1 : 0];
    const issuer = this.numberOf(authorityId, organisation);
    this.#sql.update.run(organisation, parentId ?? null, state, certificateDer ?? null, ...flags, crlShards, issuer);
  }
}
