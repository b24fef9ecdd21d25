import type { Store } from "@vcc-pki/store";

export interface CustodianRecord {
  readonly custodianId: string;
  /** SPIFFE URI of the person. */
  readonly identity: string;
  readonly spkiDer: Uint8Array;
}

/** The custodians in force from one registration to the next. */
export interface CustodianSet {
  readonly threshold: number;
  readonly custodians: readonly CustodianRecord[];
}

export interface Registration extends CustodianSet {
  readonly caller: string;
  readonly requestId: string;
  readonly requestSha256: Uint8Array;
  readonly registeredAt: Date;
}

interface SetRow {
  number: number;
  threshold: number;
  request_sha256: Buffer;
}

interface CustodianRow {
  custodian_id: string;
  identity: string;
  spki: Buffer;
}

/** The tables `custodian_sets` and `custodians`. */
export class CustodianStore {
  readonly #sql;

  constructor(store: Store) {
    this.#sql = prepare(store.db);
  }

  /** The set in force; undefined before the first registration. */
  current(): CustodianSet | undefined {
    const row = this.#sql.current.get();
    return row && { threshold: row.threshold, custodians: this.#members(row) };
  }

  /** The registration that this request made. */
  findByRequest(caller: string, requestId: string): (CustodianSet & { requestSha256: Uint8Array }) | undefined {
    const row = this.#sql.byRequest.get(caller, requestId);
    return row && { threshold: row.threshold, custodians: this.#members(row), requestSha256: row.request_sha256 };
  }

  /** Puts a new set in force. Only inside `store.write`. */
  insert({ threshold, custodians, caller, requestId, requestSha256, registeredAt }: Registration): void {
    const { lastInsertRowid } = this.#sql.insertSet.run(
      ...([threshold, caller, requestId, requestSha256, registeredAt.getTime()] as const),
    );
    for (const { custodianId, identity, spkiDer } of custodians) {
      this.#sql.insert.run(Number(lastInsertRowid), custodianId, identity, spkiDer);
    }
  }

  #members({ number }: SetRow): CustodianRecord[] {
    return this.#sql.members
      .all(number)
      .map((row) => ({ custodianId: row.custodian_id, identity: row.identity, spkiDer: new Uint8Array(row.spki) }));
  }
}

function prepare(db: Store["db"]) {
  return {
    current: db.prepare<[], SetRow>(
      "SELECT number, threshold, request_sha256 FROM custodian_sets ORDER BY number DESC LIMIT 1",
    ),
    byRequest: db.prepare<[string, string], SetRow>(
      "SELECT number, threshold, request_sha256 FROM custodian_sets WHERE caller = ? AND request_id = ?",
    ),
    members: db.prepare<[number], CustodianRow>(
      "SELECT custodian_id, identity, spki FROM custodians WHERE set_number = ? ORDER BY custodian_id",
    ),
    insertSet: db.prepare<[number, string, string, Uint8Array, number]>(
      "INSERT INTO custodian_sets (threshold, caller, request_id, request_sha256, registered_at) VALUES (?, ?, ?, ?, ?)",
    ),
    insert: db.prepare<[number, string, string, Uint8Array]>(
      "INSERT INTO custodians (set_number, custodian_id, identity, spki) VALUES (?, ?, ?, ?)",
    ),
  };
}
