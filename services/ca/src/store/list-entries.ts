import type { Database } from "@vcc-pki/store";
import type { RevokedCertificate } from "@vcc-pki/x509";
import type { ListKey } from "./lists.ts";
import { toReason } from "./revocations.ts";

interface Row {
  serial: Buffer;
  revoked_at: number;
  reason: number;
  invalidity_date: number | null;
  sequence: number;
}

/** The same as an array, of which a hundred thousand take half as long. */
type RawRow = [serial: Buffer, revoked_at: number, reason: number, invalidity_date: number | null];

/** An entry and where its change stands in the status log. */
export type Change = RevokedCertificate & { readonly sequence: number };

type Shard = Pick<ListKey, "authorityId" | "crlShard">;

/** Before every serial number. */
const NO_SERIAL: Uint8Array = new Uint8Array();

/** What stands on the lists, in the order of serial numbers. */
export class ListEntries {
  readonly #sql;

  constructor(db: Database) {
    this.#sql = prepare(db);
  }

  /** The entries of a full list after a serial number, at most `limit`: what is revoked and had not expired at `since`. */
  page({ authorityId, crlShard }: Shard, since: Date, after = NO_SERIAL, limit = -1): RevokedCertificate[] {
    return this.#sql.page.all(authorityId, crlShard, after, since.getTime(), limit).map(rawToEntry);
  }

  /** What was revoked after a sequence, for a delta list, in the order of sequences and at most `limit`. */
  revokedAfter({ authorityId, crlShard }: Shard, since: Date, sequence: number, limit = -1): Change[] {
    return this.#sql.revoked.all(authorityId, crlShard, sequence, since.getTime(), limit).map(toChange);
  }

  /** What was released from a hold after a sequence, for a delta list. */
  releasedAfter({ authorityId, crlShard }: Shard, sequence: number): Change[] {
    return this.#sql.released.all(authorityId, crlShard, sequence).map(toChange);
  }

  /** Whether a change after this sequence waits to be listed. */
  hasChanged({ authorityId, crlShard }: Shard, afterSequence: number): boolean {
    const changed = this.#sql.changed.get(authorityId, crlShard, afterSequence, authorityId, crlShard, afterSequence);
    return changed === 1;
  }

  /** Whether a full list has at least `count` entries, found out in the time of counting so far. */
  isLong({ authorityId, crlShard }: Shard, count: number): boolean {
    return count === 0 || this.#sql.nth.get(authorityId, crlShard, count - 1) === 1;
  }

  /** Whether at least `count` certificates have been revoked after a sequence. */
  hasManyChanges({ authorityId, crlShard }: Shard, afterSequence: number, count: number): boolean {
    return this.#sql.nthChange.get(authorityId, crlShard, afterSequence, count - 1) === 1;
  }

  /** Forgets releases up to a sequence: a full list without them is out, and delta lists are about what came after it. */
  forgetReleases({ authorityId, crlShard }: Shard, upToSequence: number): void {
    this.#sql.forgetReleases.run(authorityId, crlShard, upToSequence);
  }
}

const SHARD = "authority_id = ? AND crl_shard = ?";
const REVOKED = `SELECT serial, revoked_at, reason, invalidity_date, sequence FROM revocations WHERE ${SHARD}`;
const LISTED = "(listed_until IS NULL OR listed_until >= ?)";
/** CRLReason removeFromCRL. */
const RELEASED = `SELECT serial, released_at AS revoked_at, 8 AS reason, NULL AS invalidity_date, sequence FROM releases WHERE ${SHARD}`;

function prepare(db: Database) {
  return {
    page: db
      .prepare<[string, number, Uint8Array, number, number], RawRow>(
        `SELECT serial, revoked_at, reason, invalidity_date FROM revocations WHERE ${SHARD} AND serial > ? AND ${LISTED} ORDER BY serial LIMIT ?`,
      )
      .raw(),
    revoked: db.prepare<[string, number, number, number, number], Row>(
      `${REVOKED} AND sequence > ? AND ${LISTED} ORDER BY sequence LIMIT ?`,
    ),
    released: db.prepare<[string, number, number], Row>(`${RELEASED} AND sequence > ?`),
    nthChange: db
      .prepare<[string, number, number, number], 1>(
        `SELECT 1 FROM revocations WHERE ${SHARD} AND sequence > ? ORDER BY sequence LIMIT 1 OFFSET ?`,
      )
      .pluck(),
    changed: db
      .prepare<[string, number, number, string, number, number], number>(
        `SELECT EXISTS (SELECT 1 FROM revocations WHERE ${SHARD} AND sequence > ?)
           OR EXISTS (SELECT 1 FROM releases WHERE ${SHARD} AND sequence > ?)`,
      )
      .pluck(),
    nth: db.prepare<[string, number, number], 1>(`SELECT 1 FROM revocations WHERE ${SHARD} LIMIT 1 OFFSET ?`).pluck(),
    forgetReleases: db.prepare(`DELETE FROM releases WHERE ${SHARD} AND sequence <= ?`),
  };
}

const rawToEntry = ([serial, revokedAt, reason, invalidityDate]: RawRow): RevokedCertificate => ({
  serial,
  revocationDate: new Date(revokedAt),
  reason: toReason(reason),
  invalidityDate: invalidityDate === null ? undefined : new Date(invalidityDate),
});

const toChange = ({ serial, revoked_at, reason, invalidity_date, sequence }: Row): Change => ({
  ...rawToEntry([serial, revoked_at, reason, invalidity_date]),
  sequence,
});
