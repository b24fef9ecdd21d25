import type { Database } from "@vcc-pki/store";
import type { ListKey } from "./lists.ts";

export type ListKind = "full" | "delta";

/** A list, signed or about to be. */
export interface StoredCrl extends ListKey {
  readonly kind: ListKind;
  readonly crlNumber: number;
  /** Of a delta list: the full list whose changes it tells. */
  readonly baseNumber: number | undefined;
  /** Up to where in the status log it says everything; undefined: signed before there was one. */
  readonly logSequence: number | undefined;
  readonly entries: number;
  readonly state: "pending" | "published" | "abandoned";
  /** May lie ahead: it is in force from then on. */
  readonly thisUpdate: Date;
  readonly nextUpdate: Date;
  /** While pending. */
  readonly tbsDer: Uint8Array | undefined;
  readonly approvalId: string | undefined;
  /** Once published. */
  readonly crlDer: Uint8Array | undefined;
}

interface CrlRow {
  organisation: string;
  authority_id: string;
  crl_shard: number;
  kind: ListKind;
  crl_number: number;
  base_number: number | null;
  log_sequence: number | null;
  entries: number;
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

  insert(crl: StoredCrl): void {
    this.#sql.insert.run(
      crl.organisation,
      crl.authorityId,
      crl.crlShard,
      crl.kind,
      crl.crlNumber,
      crl.baseNumber ?? null,
      crl.logSequence ?? null,
      crl.entries,
      crl.state,
      crl.thisUpdate.getTime(),
      crl.nextUpdate.getTime(),
      crl.tbsDer ?? null,
    );
  }

  setApproval(crl: StoredCrl, approvalId: string): void {
    this.#sql.setApproval.run(approvalId, ...named(crl));
  }

  /** Stores the signed list. One that is in force replaces all published ones of lower numbers, also those signed ahead: they know less. */
  publish(crl: StoredCrl, crlDer: Uint8Array, now: Date): void {
    this.#sql.publish.run(crlDer, ...named(crl));
    if (crl.thisUpdate <= now) this.forgetBefore(crl);
  }

  abandon(crl: StoredCrl): void {
    this.#sql.abandon.run(...named(crl));
  }

  find({ organisation, authorityId, crlShard }: ListKey, kind: ListKind, crlNumber: number): StoredCrl | undefined {
    const row = this.#sql.find.get(organisation, authorityId, crlShard, kind, crlNumber);
    return row && toCrl(row);
  }

  /** Lists that were begun and are not finished, in the order of their numbers. */
  pending({ organisation, authorityId, crlShard }: ListKey): StoredCrl[] {
    return this.#sql.pending.all(organisation, authorityId, crlShard).map(toCrl);
  }

  /** The list in force: the newest that has begun. When the clock says that none has, it has been set back, and the first is. */
  findInForce({ organisation, authorityId, crlShard }: ListKey, kind: ListKind, now: Date): StoredCrl | undefined {
    const key = [organisation, authorityId, crlShard, kind] as const;
    const row = this.#sql.begun.get(...key, now.getTime()) ?? this.#sql.first.get(...key);
    return row && toCrl(row);
  }

  /** The same without the bytes, which may be many. */
  findFactsInForce({ organisation, authorityId, crlShard }: ListKey, kind: ListKind, now: Date): StoredCrl | undefined {
    const key = [organisation, authorityId, crlShard, kind] as const;
    const row = this.#sql.begunFacts.get(...key, now.getTime()) ?? this.#sql.firstFacts.get(...key);
    return row && toCrl(row);
  }

  /** Lists signed ahead that are in force by now while those before them are still here. */
  takenOver(now: Date): StoredCrl[] {
    return this.#sql.takenOver.all({ now: now.getTime() }).map(toCrl);
  }

  /** Forgets what is published under lower numbers. */
  forgetBefore(crl: StoredCrl): void {
    this.#sql.forget.run(...named(crl));
  }

  /** Of what is in force at this time, of every authority, all but the bytes. */
  allInForce(now: Date): StoredCrl[] {
    return this.#sql.allInForce.all({ now: now.getTime() }).map(toCrl);
  }
}

const FACTS = `organisation, authority_id, crl_shard, kind, crl_number, base_number, log_sequence, entries, state, this_update,
  next_update, approval_id`;
const CRL = `${FACTS}, tbs_der, crl_der`;
const LIST = "organisation = ? AND authority_id = ? AND crl_shard = ?";
const FACTS_ONLY = `${FACTS}, NULL AS tbs_der, NULL AS crl_der`;
const BEGUN = `FROM crls WHERE ${LIST} AND kind = ? AND state = 'published' AND this_update <= ? ORDER BY crl_number DESC LIMIT 1`;
const FIRST = `FROM crls WHERE ${LIST} AND kind = ? AND state = 'published' ORDER BY crl_number LIMIT 1`;
const ONE = `${LIST} AND kind = ? AND crl_number = ?`;

const named = ({ organisation, authorityId, crlShard, kind, crlNumber }: StoredCrl) =>
  [organisation, authorityId, crlShard, kind, crlNumber] as const;

function prepare(db: Database) {
  return {
    insert: db.prepare(
      `INSERT INTO crls (organisation, authority_id, crl_shard, kind, crl_number, base_number, log_sequence, entries, state, this_update,
         next_update, tbs_der) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ),
    setApproval: db.prepare(`UPDATE crls SET approval_id = ? WHERE ${ONE}`),
    publish: db.prepare(`UPDATE crls SET state = 'published', crl_der = ?, tbs_der = NULL WHERE ${ONE}`),
    abandon: db.prepare(`UPDATE crls SET state = 'abandoned' WHERE ${ONE}`),
    forget: db.prepare(`DELETE FROM crls WHERE ${LIST} AND kind = ? AND crl_number < ? AND state = 'published'`),
    find: db.prepare<[string, string, number, string, number], CrlRow>(`SELECT ${CRL} FROM crls WHERE ${ONE}`),
    pending: db.prepare<[string, string, number], CrlRow>(
      `SELECT ${CRL} FROM crls WHERE ${LIST} AND state = 'pending' ORDER BY crl_number, kind DESC`,
    ),
    begun: db.prepare<[string, string, number, string, number], CrlRow>(`SELECT ${CRL} ${BEGUN}`),
    begunFacts: db.prepare<[string, string, number, string, number], CrlRow>(`SELECT ${FACTS_ONLY} ${BEGUN}`),
    first: db.prepare<[string, string, number, string], CrlRow>(`SELECT ${CRL} ${FIRST}`),
    firstFacts: db.prepare<[string, string, number, string], CrlRow>(`SELECT ${FACTS_ONLY} ${FIRST}`),
    takenOver: db.prepare<[{ now: number }], CrlRow>(
      `SELECT ${FACTS_ONLY} FROM crls AS c WHERE state = 'published' AND kind = 'full' AND crl_number =
         (SELECT max(crl_number) FROM crls AS n WHERE n.organisation = c.organisation AND n.authority_id = c.authority_id
            AND n.crl_shard = c.crl_shard AND n.kind = 'full' AND n.state = 'published' AND n.this_update <= :now)
       AND EXISTS
         (SELECT 1 FROM crls AS o WHERE o.organisation = c.organisation AND o.authority_id = c.authority_id
            AND o.crl_shard = c.crl_shard AND o.kind = 'full' AND o.state = 'published' AND o.crl_number < c.crl_number)`,
    ),
    allInForce: db.prepare<[{ now: number }], CrlRow>(
      `SELECT ${FACTS_ONLY} FROM (
         SELECT ${FACTS}, row_number() OVER (
           PARTITION BY organisation, authority_id, crl_shard, kind
           ORDER BY this_update <= :now DESC, CASE WHEN this_update <= :now THEN -crl_number ELSE crl_number END) AS place
         FROM crls WHERE state = 'published')
       WHERE place = 1 ORDER BY authority_id, crl_shard, kind DESC`,
    ),
  };
}

function toCrl(row: CrlRow): StoredCrl {
  return {
    organisation: row.organisation,
    authorityId: row.authority_id,
    crlShard: row.crl_shard,
    kind: row.kind,
    crlNumber: row.crl_number,
    baseNumber: row.base_number ?? undefined,
    logSequence: row.log_sequence ?? undefined,
    entries: row.entries,
    state: row.state,
    thisUpdate: new Date(row.this_update),
    nextUpdate: new Date(row.next_update),
    tbsDer: row.tbs_der ?? undefined,
    approvalId: row.approval_id ?? undefined,
    crlDer: row.crl_der ?? undefined,
  };
}
