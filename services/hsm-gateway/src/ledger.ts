import { hash } from "node:crypto";
import { PkiError } from "@vcc-pki/errors";
import type { Store } from "@vcc-pki/store";
import type { Clock } from "@vcc-pki/time";
import { LedgerNames } from "./ledger-names.ts";

/** A signature and what it was made for. */
export interface Signed {
  readonly organisation: string;
  readonly keyId: string;
  /** "issuing-ca", see PURPOSE_NAMES. */
  readonly purpose: string;
  readonly signatureAlgorithm: string;
  /** See PAYLOAD_TYPES. */
  readonly payloadType: string;
  readonly payloadSha256: Uint8Array;
  /** SPIFFE URIs. */
  readonly caller: string;
  readonly requester: string;
  readonly requestId: string;
  readonly signature: Uint8Array;
}

export interface LedgerEntry extends Signed {
  /** Gap-free, from 1. */
  readonly sequence: number;
  readonly signedAt: Date;
}

/** The end of the ledger. Who keeps one elsewhere can later prove that nothing before it was changed or cut off. */
export interface LedgerHead {
  readonly sequence: number;
  readonly hashHex: string;
}

interface Pending {
  readonly entry: Signed;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

interface Row {
  sequence: number;
  signed_at: number;
  organisation: string;
  key_id: string;
  purpose: string;
  signature_algorithm: string;
  payload_type: string;
  payload_sha256: Buffer;
  caller: string;
  requester: string;
  request_id: string;
  signature: Buffer;
  hash: Buffer;
}

type End = Pick<Row, "sequence" | "hash">;

const START: End = { sequence: 0, hash: Buffer.alloc(32) };

/** Every signature ever made. Entries are numbered without gaps and each is chained to the one before by SHA-256; the database
 *  refuses to change or delete them. */
export class Ledger {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #sql;
  readonly #names: LedgerNames;
  /** The greatest request id of each caller. Ids that grow with time, as most do, need no look into the index. */
  readonly #greatest = new Map<string, string>();
  #pending: Pending[] = [];

  constructor(store: Store, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
    this.#sql = prepare(store.db);
    this.#names = new LedgerNames(store);
  }

  /** The signature this caller was given, or is owed, for this request. */
  find(caller: string, requestId: string): LedgerEntry | undefined {
    if (requestId > this.#greatestOf(caller)) return undefined;
    const callerId = this.#names.findCallerId(caller);
    const row = callerId === undefined ? undefined : this.#sql.byRequest.get(callerId, requestId);
    return row && toEntry(row);
  }

  /** Records a signature; resolves when it is on the disk. What is recorded in one turn of the event loop goes in together.
   *  Rejects with STORE_UNAVAILABLE: then it may or may not be stored. */
  record(entry: Signed): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#pending.push({ entry, resolve, reject });
      if (this.#pending.length === 1) void this.#flush();
    });
  }

  /** Records a signature in the caller's transaction. Only inside `store.write`. */
  insert(entry: Signed): void {
    this.#insertAfter(this.#sql.end.get() ?? START, entry, this.#clock.now().getTime());
    this.#names.forget(); // whether the transaction will be committed is not ours to know
  }

  /** Entries after `sequence`, in order. */
  list(afterSequence: number, limit: number): LedgerEntry[] {
    return this.#sql.after.all(afterSequence, limit).map(toEntry);
  }

  head(): LedgerHead {
    return toHead(this.#sql.end.get() ?? START);
  }

  /** Recomputes the chain behind entry `afterSequence`, which is taken on trust, and returns the head. Throws AUDIT_CHAIN_BROKEN
   *  when an entry is missing, changed or out of place. A cut at the end shows only in a head that was known before. */
  verify(afterSequence = 0): LedgerHead {
    let end = this.#sql.at.get(afterSequence) ?? START;
    for (const row of this.#sql.from.iterate(end.sequence)) {
      const expected = chain(end.hash, row.sequence, row.signed_at, toEntry(row));
      if (row.sequence !== end.sequence + 1 || !expected.equals(row.hash)) throw broken(end.sequence + 1);
      end = { sequence: row.sequence, hash: expected };
    }
    return toHead(end);
  }

  #greatestOf(caller: string): string {
    let greatest = this.#greatest.get(caller);
    if (greatest === undefined) {
      const callerId = this.#names.findCallerId(caller);
      greatest = (callerId !== undefined && this.#sql.greatest.get(callerId)?.request_id) || "";
      this.#greatest.set(caller, greatest);
    }
    return greatest;
  }

  async #flush(): Promise<void> {
    let batch: Pending[] = [];
    try {
      await this.#store.write(() => {
        batch = this.#pending;
        this.#pending = [];
        const now = this.#clock.now().getTime();
        let end = this.#sql.end.get() ?? START;
        for (const { entry } of batch) end = this.#insertAfter(end, entry, now);
      });
      for (const { resolve } of batch) resolve();
    } catch (error) {
      this.#names.forget();
      // A transaction that could not begin has taken nothing from the queue, and its waiters must still be told.
      const failed = batch.length > 0 ? batch : this.#pending.splice(0);
      for (const { reject } of failed) reject(error);
    }
  }

  #insertAfter(end: End, entry: Signed, now: number): End {
    const sequence = end.sequence + 1;
    const digest = chain(end.hash, sequence, now, entry);
    const { caller, requestId, payloadSha256, signature } = entry;
    this.#sql.insert.run(
      ...[sequence, now, this.#names.callerId(caller), requestId, this.#names.contextId(entry)],
      ...[payloadSha256, signature, digest],
    );
    // Too great does no harm, should the transaction fail; too small would.
    if (requestId > this.#greatestOf(caller)) this.#greatest.set(caller, requestId);
    return { sequence, hash: digest };
  }
}

const toHead = ({ sequence, hash: digest }: End): LedgerHead => ({ sequence, hashHex: digest.toString("hex") });

const broken = (sequence: number): PkiError =>
  new PkiError("AUDIT_CHAIN_BROKEN", `the ledger was changed at or before entry ${sequence}`);

/** SHA-256 over lines: the previous hash in hex, then the columns in the order of `ledger_entries`, octets in hex. None of them
 *  contains a line feed. */
function chain(previous: Buffer, sequence: number, signedAt: number, entry: Signed): Buffer {
  const { organisation, keyId, purpose, signatureAlgorithm, payloadType, caller, requester, requestId } = entry;
  const columns =
    `${hex(previous)}\n${sequence}\n${signedAt}\n${organisation}\n${keyId}\n${purpose}\n${signatureAlgorithm}\n` +
    `${payloadType}\n${hex(entry.payloadSha256)}\n${caller}\n${requester}\n${requestId}\n${hex(entry.signature)}\n`;
  return Buffer.from(hash("sha256", columns), "hex");
}

const hex = (octets: Uint8Array): string =>
  Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength).toString("hex");

function toEntry(row: Row): LedgerEntry {
  return {
    ...{ sequence: row.sequence, signedAt: new Date(row.signed_at), organisation: row.organisation, keyId: row.key_id },
    ...{ purpose: row.purpose, signatureAlgorithm: row.signature_algorithm, payloadType: row.payload_type },
    ...{ payloadSha256: row.payload_sha256, caller: row.caller, requester: row.requester, requestId: row.request_id },
    signature: row.signature,
  };
}

const COLUMNS = `sequence, signed_at, organisation, key_id, purpose, signature_algorithm, payload_type, payload_sha256, caller,
  requester, request_id, signature, hash`;

function prepare(db: Store["db"]) {
  return {
    insert: db.prepare(
      `INSERT INTO ledger (sequence, signed_at, caller_id, request_id, context_id, payload_sha256, signature, hash)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
    ),
    end: db.prepare<[], End>("SELECT sequence, hash FROM ledger ORDER BY sequence DESC LIMIT 1"),
    at: db.prepare<[number], End>("SELECT sequence, hash FROM ledger WHERE sequence = ?"),
    greatest: db.prepare<[number], Pick<Row, "request_id">>(
      "SELECT request_id FROM ledger WHERE caller_id = ? ORDER BY request_id DESC LIMIT 1",
    ),
    byRequest: db.prepare<[number, string], Row>(
      `SELECT ${COLUMNS} FROM ledger_entries WHERE sequence = (SELECT sequence FROM ledger WHERE caller_id = ? AND request_id = ?)`,
    ),
    after: db.prepare<[number, number], Row>(
      `SELECT ${COLUMNS} FROM ledger_entries WHERE sequence > ? ORDER BY sequence LIMIT ?`,
    ),
    from: db.prepare<[number], Row>(`SELECT ${COLUMNS} FROM ledger_entries WHERE sequence > ? ORDER BY sequence`),
  };
}
