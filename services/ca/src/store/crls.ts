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
  /** When to sign the next full list regardless. */
  readonly dueAt: Date;
  /** The same for delta lists. */
  readonly deltaDueAt: Date;
  /** thisUpdate of the last full list that came by schedule. */
  readonly scheduledAt: Date;
}

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

interface StateRow {
  organisation: string;
  authority_id: string;
  crl_shard: number;
  last_number: number;
  dirty_since: number | null;
  due_at: number;
  delta_due_at: number;
  scheduled_at: number;
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

  putState(state: ListState): void {
    const { organisation, authorityId, crlShard, lastNumber, dirtySince, dueAt, deltaDueAt, scheduledAt } = state;
    const times = [dirtySince?.getTime() ?? null, dueAt.getTime(), deltaDueAt.getTime(), scheduledAt.getTime()];
    this.#sql.putState.run(organisation, authorityId, crlShard, lastNumber, ...times);
  }

  /** Makes room for a list, due at `dueAt`, unless it is there. */
  addState({ organisation, authorityId, crlShard }: ListKey, dueAt: Date): void {
    this.#sql.addState.run(organisation, authorityId, crlShard, dueAt.getTime());
  }

  /** Delta lists of an authority that begin at `dueAt`, or never and go; where it is as it was nothing changes. */
  switchDeltas(authorityId: string, dueAt: Date): void {
    const isOff = dueAt.getTime() === NEVER_MS;
    this.#sql.switchDeltas.run({ authorityId, dueAt: dueAt.getTime(), from: isOff ? null : NEVER_MS });
    if (isOff) this.#sql.dropDeltas.run(authorityId);
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

  /** Has all lists of an authority but the first signed now. */
  makeOthersDue(authorityId: string, now: Date): void {
    this.#sql.makeOthersDue.run(now.getTime(), authorityId);
  }

  /** Lists to sign now: due, dirty since before `dirtyBefore`, or begun and not finished. */
  waiting(now: Date, dirtyBefore: Date): ListState[] {
    return this.#sql.waiting.all({ now: now.getTime(), dirtyBefore: dirtyBefore.getTime() }).map(toState);
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
    if (crl.thisUpdate <= now) this.#sql.forget.run(...named(crl));
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

  /** Of what is in force at this time, of every authority, all but the bytes. */
  allInForce(now: Date): StoredCrl[] {
    return this.#sql.allInForce.all({ now: now.getTime() }).map(toCrl);
  }
}

/** The latest date there is. */
const NEVER_MS = 8.64e15;

const STATE = "organisation, authority_id, crl_shard, last_number, dirty_since, due_at, delta_due_at, scheduled_at";
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
    putState: db.prepare(
      `INSERT INTO crl_state (${STATE}) VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE
       SET last_number = excluded.last_number, dirty_since = excluded.dirty_since, due_at = excluded.due_at,
         delta_due_at = excluded.delta_due_at, scheduled_at = excluded.scheduled_at`,
    ),
    addState: db.prepare(
      `INSERT INTO crl_state (organisation, authority_id, crl_shard, last_number, due_at) VALUES (?, ?, ?, 0, ?)
       ON CONFLICT DO NOTHING`,
    ),
    switchDeltas: db.prepare(
      `UPDATE crl_state SET delta_due_at = :dueAt WHERE authority_id = :authorityId AND (:from IS NULL OR delta_due_at = :from)`,
    ),
    dropDeltas: db.prepare("DELETE FROM crls WHERE authority_id = ? AND kind = 'delta'"),
    findState: db.prepare<[string, string, number], StateRow>(`SELECT ${STATE} FROM crl_state WHERE ${LIST}`),
    countShards: db.prepare<[string], number>("SELECT count(*) FROM crl_state WHERE authority_id = ?").pluck(),
    markDirty: db.prepare(`UPDATE crl_state SET dirty_since = coalesce(dirty_since, ?) WHERE ${LIST}`),
    makeOthersDue: db.prepare("UPDATE crl_state SET due_at = ? WHERE authority_id = ? AND crl_shard > 0"),
    waiting: db.prepare<[{ now: number; dirtyBefore: number }], StateRow>(
      `SELECT ${STATE} FROM crl_state AS s WHERE due_at <= :now OR delta_due_at <= :now OR dirty_since <= :dirtyBefore OR EXISTS
         (SELECT 1 FROM crls AS c WHERE c.organisation = s.organisation AND c.authority_id = s.authority_id
            AND c.crl_shard = s.crl_shard AND c.state = 'pending')`,
    ),
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

function toState(row: StateRow): ListState {
  return {
    organisation: row.organisation,
    authorityId: row.authority_id,
    crlShard: row.crl_shard,
    lastNumber: row.last_number,
    dirtySince: row.dirty_since === null ? undefined : new Date(row.dirty_since),
    dueAt: new Date(row.due_at),
    deltaDueAt: new Date(row.delta_due_at),
    scheduledAt: new Date(row.scheduled_at),
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
