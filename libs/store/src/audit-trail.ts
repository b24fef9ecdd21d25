import { hash } from "node:crypto";
import { PkiError } from "@vcc-pki/errors";
import type { AuditRecord } from "@vcc-pki/telemetry";
import type { Clock } from "@vcc-pki/time";
import type { GroupCommit } from "./group-commit.ts";
import type { Database } from "./sqlite.ts";

/** The end of the trail. Who keeps one elsewhere can later prove that nothing before it was changed or cut off. */
export interface AuditHead {
  /** Sequence number of the last entry; 0 for an empty trail. */
  readonly sequence: number;
  readonly hashHex: string;
}

export interface AuditEntry extends AuditRecord, AuditHead {
  readonly at: Date;
}

interface Row {
  sequence: number;
  at: number;
  action: string;
  outcome: AuditRecord["outcome"];
  caller: string;
  requester: string;
  organisation: string;
  target: string | null;
  request_id: string | null;
  code: string | null;
  details: string | null;
}

type StoredRow = Row & { hash: Buffer };

const START: Readonly<Pick<StoredRow, "sequence" | "hash">> = { sequence: 0, hash: Buffer.alloc(32) };

/** The audit records of one service, written in the transaction of what they tell: numbered without gaps from 1, each chained
 *  to the one before by SHA-256, so that a change to the file is found. */
export class AuditTrail {
  readonly #commit: GroupCommit;
  readonly #clock: Clock;
  readonly #sql;
  /** The end as of a turn of the store, so that it is read once for a batch. */
  #end: (Pick<StoredRow, "sequence" | "hash"> & { readonly turn: number }) | undefined;

  constructor(db: Database, commit: GroupCommit, clock: Clock) {
    this.#commit = commit;
    this.#clock = clock;
    this.#sql = prepare(db);
  }

  /** Appends a record and returns its sequence number. Only inside `store.write`. */
  add(record: AuditRecord): number {
    this.#commit.requireWriting("audit.add");
    const { turn } = this.#commit;
    const last = (this.#end?.turn === turn ? this.#end : this.#sql.last.get()) ?? START;
    const row = toRow(record, last.sequence + 1, this.#clock.now());
    const digest = chain(last.hash, row);
    this.#sql.insert.run(...columnsOf(row), digest);
    this.#end = { turn, sequence: row.sequence, hash: digest };
    return row.sequence;
  }

  /** Entries after `sequence`, in order. */
  read(afterSequence: number, limit: number): AuditEntry[] {
    return this.#sql.after.all(afterSequence, limit).map(toEntry);
  }

  head(): AuditHead {
    const { sequence, hash: digest } = this.#sql.last.get() ?? START;
    return { sequence, hashHex: digest.toString("hex") };
  }

  /** Reads the whole trail and returns its head. Throws AUDIT_CHAIN_BROKEN when an entry is missing, changed or out of place,
   *  or when the trail does not contain a head that was `known` before. Holds the event loop: for start-up and tools. */
  verify(known: AuditHead = { sequence: 0, hashHex: START.hash.toString("hex") }): AuditHead {
    let last = START;
    let knownFound = known.sequence === 0;
    for (const row of this.#sql.all.iterate()) {
      const expected = chain(last.hash, row);
      if (row.sequence !== last.sequence + 1 || !expected.equals(row.hash)) throw broken(last.sequence + 1);
      last = { sequence: row.sequence, hash: expected };
      if (row.sequence === known.sequence) knownFound = expected.toString("hex") === known.hashHex;
    }
    if (!knownFound) throw broken(known.sequence);
    return { sequence: last.sequence, hashHex: last.hash.toString("hex") };
  }
}

const broken = (sequence: number): PkiError =>
  new PkiError("AUDIT_CHAIN_BROKEN", `the audit trail was changed at or before entry ${sequence}`);

/** SHA-256 over the previous hash and the row's columns as stored, in table order, as a JSON array: nothing is re-encoded. */
function chain(previous: Buffer, row: Row): Buffer {
  return hash("sha256", Buffer.concat([previous, Buffer.from(JSON.stringify(columnsOf(row)))]), "buffer");
}

function columnsOf(row: Row) {
  const { sequence, at, action, outcome, caller, requester, organisation, target, request_id, code, details } = row;
  return [sequence, at, action, outcome, caller, requester, organisation, target, request_id, code, details] as const;
}

function toRow(record: AuditRecord, sequence: number, at: Date): Row {
  const { action, outcome, caller, requester, organisation, target, requestId, code, details } = record;
  return {
    ...{ sequence, at: at.getTime(), action, outcome, caller, requester, organisation },
    ...{ target: target ?? null, request_id: requestId ?? null, code: code ?? null },
    details: details === undefined ? null : JSON.stringify(details),
  };
}

function toEntry(row: StoredRow): AuditEntry {
  const { sequence, action, outcome, caller, requester, organisation } = row;
  return {
    ...{ sequence, hashHex: row.hash.toString("hex"), at: new Date(row.at) },
    ...{ action, outcome, caller, requester, organisation },
    ...{ target: row.target ?? undefined, requestId: row.request_id ?? undefined, code: row.code ?? undefined },
    details: row.details === null ? undefined : JSON.parse(row.details),
  };
}

const COLUMNS =
  "sequence, at, action, outcome, caller, requester, organisation, target, request_id, code, details, hash";

function prepare(db: Database) {
  return {
    insert: db.prepare(`INSERT INTO audit (${COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`),
    last: db.prepare<[], Pick<StoredRow, "sequence" | "hash">>(
      "SELECT sequence, hash FROM audit ORDER BY sequence DESC LIMIT 1",
    ),
    after: db.prepare<[number, number], StoredRow>(
      `SELECT ${COLUMNS} FROM audit WHERE sequence > ? ORDER BY sequence LIMIT ?`,
    ),
    all: db.prepare<[], StoredRow>(`SELECT ${COLUMNS} FROM audit ORDER BY sequence`),
  };
}
