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

/** Where each list stands: one row for each shard of an authority, whatever has been signed. What writes belongs inside `store.write`. */
export class ListTable {
  readonly #sql;

  constructor(db: Database) {
    this.#sql = prepare(db);
  }

  put(state: ListState): void {
    const { organisation, authorityId, crlShard, lastNumber, dirtySince, dueAt, deltaDueAt, scheduledAt } = state;
    const times = [dirtySince?.getTime() ?? null, dueAt.getTime(), deltaDueAt.getTime(), scheduledAt.getTime()];
    this.#sql.put.run(organisation, authorityId, crlShard, lastNumber, ...times);
  }

  /** Makes room for a list, due at `dueAt`, unless it is there. */
  add({ organisation, authorityId, crlShard }: ListKey, dueAt: Date): void {
    this.#sql.add.run(organisation, authorityId, crlShard, dueAt.getTime());
  }

  /** Delta lists of an authority that begin at `dueAt`, or never and go; where it is as it was nothing changes. */
  switchDeltas(authorityId: string, dueAt: Date): void {
    const isOff = dueAt.getTime() === NEVER_MS;
    this.#sql.switchDeltas.run({ authorityId, dueAt: dueAt.getTime(), from: isOff ? null : NEVER_MS });
    if (isOff) this.#sql.dropDeltas.run(authorityId);
  }

  find({ organisation, authorityId, crlShard }: ListKey): ListState | undefined {
    const row = this.#sql.find.get(organisation, authorityId, crlShard);
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

  /** Lists to sign now: due, dirty since before `dirtyBefore` (or by a clock that was set back since), or begun and not finished. */
  waiting(now: Date, dirtyBefore: Date): ListState[] {
    return this.#sql.waiting.all({ now: now.getTime(), dirtyBefore: dirtyBefore.getTime() }).map(toState);
  }
}

/** The latest date there is. */
const NEVER_MS = 8.64e15;

const STATE = "organisation, authority_id, crl_shard, last_number, dirty_since, due_at, delta_due_at, scheduled_at";
const LIST = "organisation = ? AND authority_id = ? AND crl_shard = ?";

function prepare(db: Database) {
  return {
    put: db.prepare(
      `INSERT INTO crl_state (${STATE}) VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE
       SET last_number = excluded.last_number, dirty_since = excluded.dirty_since, due_at = excluded.due_at,
         delta_due_at = excluded.delta_due_at, scheduled_at = excluded.scheduled_at`,
    ),
    add: db.prepare(
      `INSERT INTO crl_state (organisation, authority_id, crl_shard, last_number, due_at) VALUES (?, ?, ?, 0, ?)
       ON CONFLICT DO NOTHING`,
    ),
    switchDeltas: db.prepare(
      `UPDATE crl_state SET delta_due_at = :dueAt WHERE authority_id = :authorityId AND (:from IS NULL OR delta_due_at = :from)`,
    ),
    dropDeltas: db.prepare("DELETE FROM crls WHERE authority_id = ? AND kind = 'delta'"),
    find: db.prepare<[string, string, number], StateRow>(`SELECT ${STATE} FROM crl_state WHERE ${LIST}`),
    countShards: db.prepare<[string], number>("SELECT count(*) FROM crl_state WHERE authority_id = ?").pluck(),
    markDirty: db.prepare(`UPDATE crl_state SET dirty_since = coalesce(dirty_since, ?) WHERE ${LIST}`),
    makeOthersDue: db.prepare("UPDATE crl_state SET due_at = ? WHERE authority_id = ? AND crl_shard > 0"),
    waiting: db.prepare<[{ now: number; dirtyBefore: number }], StateRow>(
      `SELECT ${STATE} FROM crl_state AS s WHERE due_at <= :now OR delta_due_at <= :now OR dirty_since <= :dirtyBefore
         OR dirty_since > :now OR EXISTS
         (SELECT 1 FROM crls AS c WHERE c.organisation = s.organisation AND c.authority_id = s.authority_id
            AND c.crl_shard = s.crl_shard AND c.state = 'pending')`,
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
