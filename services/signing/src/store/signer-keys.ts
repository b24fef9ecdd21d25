import { PkiError } from "@vcc-pki/errors";
import type { RequestKey } from "@vcc-pki/rpc";
import type { Database } from "@vcc-pki/store";
import { splitDer } from "@vcc-pki/x509";
import type { SignerKeyAlgorithm } from "../signer-key.ts";

export interface NewSignerKey {
  readonly signerKeyId: string;
  readonly organisation: string;
  readonly signer: string;
  readonly keyAlgorithm: SignerKeyAlgorithm;
  /** The profile that its certificate is to have. */
  readonly profile: string;
}

/** A signer's key and how far its certificate has come. */
export interface StoredSignerKey extends NewSignerKey {
  /** Its row. */
  readonly signerKey: number;
  readonly key: { readonly keyId: string; readonly spkiDer: Uint8Array } | undefined;
  readonly csrDer: Uint8Array | undefined;
  /** The certificate first, then its issuers without the root; empty: there is none yet. */
  readonly chainDer: readonly Uint8Array[];
  /** Since then it signs nothing any more. */
  readonly retiredAt: Date | undefined;
  readonly disabledAt: Date | undefined;
  readonly createdAt: Date;
}

interface Row {
  signer_key: number;
  signer_key_id: string;
  organisation: string;
  signer: string;
  key_algorithm: SignerKeyAlgorithm;
  profile: string;
  key_id: string | null;
  spki_der: Buffer | null;
  csr_der: Buffer | null;
  chain_der: Buffer | null;
  retired_at: number | null;
  disabled_at: number | null;
  created_at: number;
}

const COLUMNS = `signer_key, signer_key_id, organisation, signer, key_algorithm, profile, key_id, spki_der, csr_der, chain_der, retired_at,
  disabled_at, created_at`;

/** What writes belongs inside `store.write`. */
export class SignerKeyTable {
  readonly #sql;

  constructor(db: Database) {
    this.#sql = {
      all: db.prepare<[], Row>(`SELECT ${COLUMNS} FROM signer_keys ORDER BY signer_key`),
      get: db.prepare<[number], Row>(`SELECT ${COLUMNS} FROM signer_keys WHERE signer_key = ?`),
      byId: db.prepare<[string, string], Row>(
        `SELECT ${COLUMNS} FROM signer_keys WHERE signer_key_id = ? AND organisation = ?`,
      ),
      ofOrganisation: db.prepare<[string], Row>(
        `SELECT ${COLUMNS} FROM signer_keys WHERE organisation = ? ORDER BY signer_key DESC`,
      ),
      byRequest: db.prepare<[string, string], Row & { content_sha256: Buffer }>(
        `SELECT ${COLUMNS}, content_sha256 FROM signer_keys WHERE requester = ? AND request_id = ?`,
      ),
      insert: db.prepare(
        `INSERT INTO signer_keys (signer_key_id, organisation, signer, requester, request_id, content_sha256, key_algorithm, profile, created_at)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      ),
      key: db.prepare("UPDATE signer_keys SET key_id = ?, spki_der = ? WHERE signer_key = ?"),
      csr: db.prepare("UPDATE signer_keys SET csr_der = ? WHERE signer_key = ?"),
      chain: db.prepare("UPDATE signer_keys SET chain_der = ? WHERE signer_key = ?"),
      retire: db.prepare("UPDATE signer_keys SET retired_at = ? WHERE signer_key = ? AND retired_at IS NULL"),
      disable: db.prepare("UPDATE signer_keys SET disabled_at = ? WHERE signer_key = ?"),
    };
  }

  all(): StoredSignerKey[] {
    return this.#sql.all.all().map(toSignerKey);
  }

  get(signerKey: number): StoredSignerKey {
    const row = this.#sql.get.get(signerKey);
    if (row === undefined) throw new Error(`no key ${signerKey}`);
    return toSignerKey(row);
  }

  /** Only of this organisation. */
  findById(organisation: string, signerKeyId: string): StoredSignerKey | undefined {
    const row = this.#sql.byId.get(signerKeyId, organisation);
    return row && toSignerKey(row);
  }

  /** The newest first. */
  listOf(organisation: string): StoredSignerKey[] {
    return this.#sql.ofOrganisation.all(organisation).map(toSignerKey);
  }

  /** Throws REQUEST_ID_REUSED when it was for something else. */
  findByRequest({ caller, requestId, contentSha256 }: RequestKey): StoredSignerKey | undefined {
    const row = this.#sql.byRequest.get(caller, requestId);
    if (row === undefined) return undefined;
    if (!row.content_sha256.equals(contentSha256))
      throw new PkiError("REQUEST_ID_REUSED", "this request id was used for another request");
    return toSignerKey(row);
  }

  insert({ caller, requestId, contentSha256 }: RequestKey, made: NewSignerKey, now: Date): StoredSignerKey {
    const { signerKeyId, organisation, signer, keyAlgorithm, profile } = made;
    const { lastInsertRowid } = this.#sql.insert.run(
      ...[signerKeyId, organisation, signer, caller, requestId, contentSha256, keyAlgorithm, profile, now.getTime()],
    );
    return this.get(Number(lastInsertRowid));
  }

  setKey(signerKey: number, keyId: string, spkiDer: Uint8Array): void {
    this.#sql.key.run(keyId, spkiDer, signerKey);
  }

  setCsr(signerKey: number, csrDer: Uint8Array): void {
    this.#sql.csr.run(csrDer, signerKey);
  }

  setChain(signerKey: number, chainDer: readonly Uint8Array[]): void {
    this.#sql.chain.run(Buffer.concat(chainDer), signerKey);
  }

  retire(signerKey: number, now: Date): void {
    this.#sql.retire.run(now.getTime(), signerKey);
  }

  setDisabled(signerKey: number, now: Date): void {
    this.#sql.disable.run(now.getTime(), signerKey);
  }
}

function toSignerKey(row: Row): StoredSignerKey {
  const { key_id, spki_der, chain_der, retired_at, disabled_at } = row;
  return {
    ...{ signerKey: row.signer_key, signerKeyId: row.signer_key_id, organisation: row.organisation },
    ...{ signer: row.signer, keyAlgorithm: row.key_algorithm, profile: row.profile },
    key: key_id === null || spki_der === null ? undefined : { keyId: key_id, spkiDer: spki_der },
    csrDer: row.csr_der ?? undefined,
    chainDer: chain_der === null ? [] : splitDer(chain_der),
    retiredAt: retired_at === null ? undefined : new Date(retired_at),
    disabledAt: disabled_at === null ? undefined : new Date(disabled_at),
    createdAt: new Date(row.created_at),
  };
}
