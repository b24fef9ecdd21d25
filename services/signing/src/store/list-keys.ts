import type { Database } from "@vcc-pki/store";
import { splitDer } from "@vcc-pki/x509";

/** A key for recall lists and how far its certificate has come. */
export interface StoredListKey {
  readonly listKey: number;
  readonly requestId: string;
  readonly key: { readonly keyId: string; readonly spkiDer: Uint8Array } | undefined;
  /** Request id of the issuance that is under way. */
  readonly issuanceId: string | undefined;
  /** The certificate first; empty: there is none yet. */
  readonly chainDer: readonly Uint8Array[];
}

interface Row {
  list_key: number;
  request_id: string;
  key_id: string | null;
  spki_der: Buffer | null;
  issuance_id: string | null;
  chain_der: Buffer | null;
}

/** What writes belongs inside `store.write`. */
export class ListKeyTable {
  readonly #sql;

  constructor(db: Database) {
    this.#sql = {
      newest: db.prepare<[], Row>(
        "SELECT list_key, request_id, key_id, spki_der, issuance_id, chain_der FROM list_keys ORDER BY list_key DESC LIMIT 1",
      ),
      certified: db.prepare<[], Row>(
        `SELECT list_key, request_id, key_id, spki_der, issuance_id, chain_der FROM list_keys WHERE chain_der IS NOT NULL
         ORDER BY list_key DESC LIMIT 1`,
      ),
      insert: db.prepare("INSERT INTO list_keys (request_id) VALUES (?)"),
      key: db.prepare("UPDATE list_keys SET key_id = ?, spki_der = ? WHERE list_key = ?"),
      issuance: db.prepare("UPDATE list_keys SET issuance_id = ? WHERE list_key = ?"),
      chain: db.prepare("UPDATE list_keys SET chain_der = ?, issuance_id = NULL WHERE list_key = ?"),
    };
  }

  findNewest(): StoredListKey | undefined {
    return toListKey(this.#sql.newest.get());
  }

  findCertified(): StoredListKey | undefined {
    return toListKey(this.#sql.certified.get());
  }

  insert(requestId: string): void {
    this.#sql.insert.run(requestId);
  }

  setKey(listKey: number, keyId: string, spkiDer: Uint8Array): void {
    this.#sql.key.run(keyId, spkiDer, listKey);
  }

  setIssuance(listKey: number, issuanceId: string | undefined): void {
    this.#sql.issuance.run(issuanceId ?? null, listKey);
  }

  /** Ends the issuance. */
  setChain(listKey: number, chainDer: readonly Uint8Array[]): void {
    this.#sql.chain.run(Buffer.concat(chainDer), listKey);
  }
}

function toListKey(row: Row | undefined): StoredListKey | undefined {
  if (row === undefined) return undefined;
  const { key_id, spki_der, chain_der } = row;
  return {
    ...{ listKey: row.list_key, requestId: row.request_id, issuanceId: row.issuance_id ?? undefined },
    key: key_id === null || spki_der === null ? undefined : { keyId: key_id, spkiDer: spki_der },
    chainDer: chain_der === null ? [] : splitDer(chain_der),
  };
}
