import type { Database } from "@vcc-pki/store";

/** Which list: an authority's certificates are spread over shards, fixed when they are issued. */
export interface ListKey {
  readonly organisation: string;
  readonly authorityId: string;
  readonly crlShard: number;
}

/** Where a list stands. */
export interface ListState extends ListKey {
  /** Greatest number ever given out. */
  readonly lastNumber: number;
  /** Since when a revocation waits to be listed. */
  readonly dirtySince: Date | undefined;
  /** When to sign the next list regardless. */
  readonly dueAt: Date;
}

/** A list, signed or about to be. */
export interface StoredCrl extends ListKey {
  readonly crlNumber: number;
  readonly state: "pending" | "published" | "abandoned";
  readonly thisUpdate: Date;
  readonly nextUpdate: Date;
  /** While pending. */
  readonly tbsDer: Uint8Array | undefined;
  readonly approvalId: string | undefined;
  /** Once published. */
  readonly crlDer: Uint8Array | undefined;
}

interface StateRow {
  organisation: string;
  authority_id: string;
  crl_shard: number;
  last_number: number;
  dirty_since: number | null;
  due_at: number;
}

interface CrlRow {
  organisation: string;
  authority_id: string;
  crl_shard: number;
  crl_number: number;
  state: StoredCrl["state"];
  this_update: number;
  next_update: number;
  tbs_der: Buffer | null;
  approval_id: string | null;
  crl_der: Buffer | null;
}

/** Certificate revocation lists. What writes belongs inside `store.write`. */
export class CrlTable {
  readonly #sql;

  constructor(db: Database) {
    this.#sql = prepare(db);
  }

  putState({ organisation, authorityId, crlShard, lastNumber, dirtySince, dueAt }: ListState): void {
    const row = [lastNumber, dirtySince?.getTime() ?? null, dueAt.getTime()];
    this.#sql.putState.run(organisation, authorityId, crlShard, ...row);
  }

  findState({ organisation, authorityId, crlShard }: ListKey): ListState | undefined {
    const row = this.#sql.findState.get(organisation, authorityId, crlShard);
    return row && toState(row);
  }

  /** How many lists the authority has. */
  countShards(authorityId: string): number {
    return this.#sql.countShards.get(authorityId) ?? 0;
  }

  /** Notes that a revocation waits to be listed. */
  markDirty({ organisation, authorityId, crlShard }: ListKey, now: Date): void {
    this.#sql.markDirty.run(now.getTime(), organisation, authorityId, crlShard);
  }

  /** Lists to sign now: due, dirty since before `dirtyBefore`, or begun and not finished. */
  waiting(now: Date, dirtyBefore: Date): ListState[] {
    return this.#sql.waiting.all(now.getTime(), dirtyBefore.getTime()).map(toState);
  }

  insert(crl: StoredCrl): void {
    this.#sql.insert.run(
      crl.organisation,
      crl.authorityId,
      crl.crlShard,
      crl.crlNumber,
      crl.state,
      crl.thisUpdate.getTime(),
      crl.nextUpdate.getTime(),
      crl.tbsDer ?? null,
    );
  }

  setApproval({ organisation, authorityId, crlShard, crlNumber }: StoredCrl, approvalId: string): void {
    this.#sql.setApproval.run(approvalId, organisation, authorityId, crlShard, crlNumber);
  }

  /** Stores the signed list and forgets all published ones but this. */
  publish({ organisation, authorityId, crlShard, crlNumber }: StoredCrl, crlDer: Uint8Array): void {
    this.#sql.publish.run(crlDer, organisation, authorityId, crlShard, crlNumber);
    this.#sql.forget.run(organisation, authorityId, crlShard, crlNumber);
  }

  abandon({ organisation, authorityId, crlShard, crlNumber }: StoredCrl): void {
    this.#sql.abandon.run(organisation, authorityId, crlShard, crlNumber);
  }

  find({ organisation, authorityId, crlShard }: ListKey, crlNumber: number): StoredCrl | undefined {
    const row = this.#sql.find.get(organisation, authorityId, crlShard, crlNumber);
    return row && toCrl(row);
  }

  findPending({ organisation, authorityId, crlShard }: ListKey): StoredCrl | undefined {
    const row = this.#sql.newest.get(organisation, authorityId, crlShard, "pending");
    return row && toCrl(row);
  }

  findPublished({ organisation, authorityId, crlShard }: ListKey): StoredCrl | undefined {
    const row = this.#sql.newest.get(organisation, authorityId, crlShard, "published");
    return row && toCrl(row);
  }
}

const STATE = "organisation, authority_id, crl_shard, last_number, dirty_since, due_at";
const CRL =
  "organisation, authority_id, crl_shard, crl_number, state, this_update, next_update, tbs_der, approval_id, crl_der";
const LIST = "organisation = ? AND authority_id = ? AND crl_shard = ?";
const ONE = `${LIST} AND crl_number = ?`;

function prepare(db: Database) {
  return {
    putState: db.prepare(
      `INSERT INTO crl_state (${STATE}) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE
       SET last_number = excluded.last_number, dirty_since = excluded.dirty_since, due_at = excluded.due_at`,
    ),
    findState: db.prepare<[string, string, number], StateRow>(`SELECT ${STATE} FROM crl_state WHERE ${LIST}`),
    countShards: db.prepare<[string], number>("SELECT count(*) FROM crl_state WHERE authority_id = ?").pluck(),
    markDirty: db.prepare(`UPDATE crl_state SET dirty_since = coalesce(dirty_since, ?) WHERE ${LIST}`),
    waiting: db.prepare<[number, number], StateRow>(
      `SELECT ${STATE} FROM crl_state AS s WHERE due_at <= ? OR dirty_since <= ? OR EXISTS
         (SELECT 1 FROM crls AS c WHERE c.organisation = s.organisation AND c.authority_id = s.authority_id
            AND c.crl_shard = s.crl_shard AND c.state = 'pending')`,
    ),
    insert: db.prepare(
      `INSERT INTO crls (organisation, authority_id, crl_shard, crl_number, kind, state, this_update, next_update, tbs_der)
       VALUES (?, ?, ?, ?, 'full', ?, ?, ?, ?)`,
    ),
    setApproval: db.prepare(`UPDATE crls SET approval_id = ? WHERE ${ONE}`),
    publish: db.prepare(`UPDATE crls SET state = 'published', crl_der = ?, tbs_der = NULL WHERE ${ONE}`),
    abandon: db.prepare(`UPDATE crls SET state = 'abandoned' WHERE ${ONE}`),
    forget: db.prepare(`DELETE FROM crls WHERE ${LIST} AND crl_number < ? AND state = 'published'`),
    find: db.prepare<[string, string, number, number], CrlRow>(`SELECT ${CRL} FROM crls WHERE ${ONE}`),
    newest: db.prepare<[string, string, number, string], CrlRow>(
      `SELECT ${CRL} FROM crls WHERE ${LIST} AND state = ? ORDER BY crl_number DESC LIMIT 1`,
    ),
  };
}

function toState(row: StateRow): ListState {
  return {
    organisation: row.organisation,
    authorityId: row.authority_id,
    crlShard: row.crl_shard,
    lastNumber: row.last_number,
    dirtySince: row.dirty_since === null ? undefined : new Date(row.dirty_since),
    dueAt: new Date(row.due_at),
  };
}

function toCrl(row: CrlRow): StoredCrl {
  return {
    organisation: row.organisation,
    authorityId: row.authority_id,
    crlShard: row.crl_shard,
    crlNumber: row.crl_number,
    state: row.state,
    thisUpdate: new Date(row.this_update),
    nextUpdate: new Date(row.next_update),
    tbsDer: row.tbs_der ?? undefined,
    approvalId: row.approval_id ?? undefined,
    crlDer: row.crl_der ?? undefined,
  };
}
