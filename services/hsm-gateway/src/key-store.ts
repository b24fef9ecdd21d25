import type { KeyObject } from "node:crypto";
import { KeyPolicy } from "@vcc-pki/proto/hsm";
import type { Store } from "@vcc-pki/store";
import { importPublicKey, isKeyAlgorithmId, type KeyAlgorithmId } from "@vcc-pki/x509";
import { type Policy, parsePolicy, policyToProto } from "./policy.ts";

/** 'creating' and 'destroying' stand between an intent and its fact, see `Keys.recover`. */
export type KeyStateName = "creating" | "active" | "disabled" | "destroying" | "destroyed";

/** What is known of a key before it is made. */
export interface KeyIntent {
  readonly keyId: string;
  readonly label: string;
  readonly keyAlgorithm: KeyAlgorithmId;
  readonly policy: Policy;
  /** SPIFFE URI of the service that made it. */
  readonly creator: string;
  readonly requestId: string;
  /** Digest of the whole request, to tell a repeat from a reuse of its id. */
  readonly requestSha256: Uint8Array;
  readonly createdAt: Date;
}

/** A key in the token. */
export interface KeyRecord extends KeyIntent {
  readonly state: Exclude<KeyStateName, "creating">;
  readonly spkiDer: Uint8Array;
  readonly publicKey: KeyObject;
}

interface Row {
  organisation: string;
  key_id: string;
  label: string;
  key_algorithm: string;
  policy: Buffer;
  state: KeyStateName;
  spki: Buffer | null;
  creator: string;
  request_id: string;
  request_sha256: Buffer;
  created_at: number;
}

/** The table `keys`, with what is asked for on every signature kept parsed in memory. Methods that write belong inside
 *  `store.write`, and whoever calls it says `forget` afterwards, whatever came of it: memory follows the disk. */
export class KeyStore {
  readonly #sql;
  readonly #known = new Map<string, KeyRecord>();

  constructor(store: Store) {
    this.#sql = prepare(store.db);
  }

  /** The key, unless it is unknown, only being made, or another organisation's. */
  find(organisation: string, keyId: string): KeyRecord | undefined {
    let key = this.#known.get(keyId);
    if (!key) {
      const row = this.#sql.byId.get(keyId);
      key = row && toRecord(row);
      if (!key) return undefined;
      this.#known.set(keyId, key);
    }
    return key.policy.organisation === organisation ? key : undefined;
  }

  forget(keyId: string): void {
    this.#known.delete(keyId);
  }

  findByRequest(creator: string, requestId: string): { requestSha256: Uint8Array; key?: KeyRecord } | undefined {
    const row = this.#sql.byRequest.get(creator, requestId);
    return row && { requestSha256: row.request_sha256, key: toRecord(row) };
  }

  /** Keys of an organisation after `keyId`, in the order of their ids. */
  list(organisation: string, afterKeyId: string, limit: number): KeyRecord[] {
    return this.#sql.list.all(organisation, afterKeyId, limit).flatMap((row) => toRecord(row) ?? []);
  }

  /** Ids of the keys in this state. */
  inState(state: KeyStateName): string[] {
    return this.#sql.inState.all(state).map((row) => row.key_id);
  }

  /** The most custodians that a key not yet destroyed asks for. */
  highestQuorum(): number {
    const keys = this.#sql.living.all().flatMap((row) => toRecord(row) ?? []);
    return Math.max(0, ...keys.map(({ policy }) => policy.quorumThreshold));
  }

  get isEmpty(): boolean {
    return this.#sql.any.get() === undefined;
  }

  insert(intent: KeyIntent): void {
    const { policy, keyId, label, keyAlgorithm, creator, requestId, requestSha256, createdAt } = intent;
    this.#sql.insert.run({
      ...{ organisation: policy.organisation, key_id: keyId, label, key_algorithm: keyAlgorithm, state: "creating" },
      ...{ policy: KeyPolicy.encode(policyToProto(policy)).finish(), spki: null, creator, request_id: requestId },
      ...{ request_sha256: requestSha256, created_at: createdAt.getTime() },
    });
  }

  activate(keyId: string, spkiDer: Uint8Array): void {
    requireOne(this.#sql.activate.run(spkiDer, keyId).changes);
  }

  setState(keyId: string, state: Exclude<KeyStateName, "creating">): void {
    requireOne(this.#sql.setState.run(state, keyId).changes);
    this.forget(keyId);
  }

  /** Takes back the intent to make a key. */
  deleteIntent(keyId: string): void {
    this.#sql.deleteIntent.run(keyId);
  }
}

function requireOne(changes: number): void {
  if (changes !== 1) throw new Error("the key is not in the state this step starts from");
}

function toRecord(row: Row): KeyRecord | undefined {
  if (row.state === "creating" || !row.spki) return undefined;
  const { key_algorithm: keyAlgorithm, creator } = row;
  if (!isKeyAlgorithmId(keyAlgorithm)) throw new Error(`key ${row.key_id} has unknown algorithm ${keyAlgorithm}`);
  return {
    ...{ keyId: row.key_id, label: row.label, keyAlgorithm, creator, requestId: row.request_id, state: row.state },
    ...{ requestSha256: row.request_sha256, createdAt: new Date(row.created_at) },
    policy: parsePolicy(KeyPolicy.decode(row.policy), keyAlgorithm, creator),
    ...{ spkiDer: new Uint8Array(row.spki), publicKey: importPublicKey(row.spki) },
  };
}

const COLUMNS = `organisation, key_id, label, key_algorithm, policy, state, spki, creator, request_id, request_sha256,
  created_at`;

function prepare(db: Store["db"]) {
  return {
    insert: db.prepare(
      `INSERT INTO keys (${COLUMNS}) VALUES (:organisation, :key_id, :label, :key_algorithm, :policy, :state, :spki, :creator,
       :request_id, :request_sha256, :created_at)`,
    ),
    byId: db.prepare<[string], Row>(`SELECT ${COLUMNS} FROM keys WHERE key_id = ?`),
    byRequest: db.prepare<[string, string], Row>(`SELECT ${COLUMNS} FROM keys WHERE creator = ? AND request_id = ?`),
    list: db.prepare<[string, string, number], Row>(
      `SELECT ${COLUMNS} FROM keys WHERE organisation = ? AND key_id > ? AND state <> 'creating' ORDER BY key_id LIMIT ?`,
    ),
    inState: db.prepare<[string], Pick<Row, "key_id">>("SELECT key_id FROM keys WHERE state = ?"),
    living: db.prepare<[], Row>(`SELECT ${COLUMNS} FROM keys WHERE state IN ('active', 'disabled')`),
    any: db.prepare<[], unknown>("SELECT 1 FROM keys LIMIT 1"),
    activate: db.prepare<[Uint8Array, string]>(
      "UPDATE keys SET state = 'active', spki = ? WHERE key_id = ? AND state = 'creating'",
    ),
    setState: db.prepare<[string, string]>("UPDATE keys SET state = ? WHERE key_id = ? AND state <> 'creating'"),
    deleteIntent: db.prepare<[string]>("DELETE FROM keys WHERE key_id = ? AND state = 'creating'"),
  };
}
