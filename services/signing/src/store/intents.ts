import { PkiError } from "@vcc-pki/errors";
import type { RequestKey } from "@vcc-pki/rpc";
import type { Database } from "@vcc-pki/store";

/** A signature that was begun. */
export interface Intent {
  readonly signatureId: string;
  /** Row of the key that signs. */
  readonly signerKey: number;
  /** As it stands in the signed attributes. */
  readonly signingTime: Date;
}

interface Row {
  content_sha256: Buffer;
  signature_id: string;
  signer_key: number;
  signing_time: number;
}

/** What writes belongs inside `store.write`. */
export class IntentTable {
  readonly #sql;

  constructor(db: Database) {
    this.#sql = {
      find: db.prepare<[string, string], Row>(
        "SELECT content_sha256, signature_id, signer_key, signing_time FROM intents WHERE requester = ? AND request_id = ?",
      ),
      put: db.prepare(
        `INSERT OR REPLACE INTO intents (requester, request_id, content_sha256, signature_id, signer_key, signing_time)
         VALUES (?, ?, ?, ?, ?, ?)`,
      ),
    };
  }

  /** Throws REQUEST_ID_REUSED when it was for something else. */
  find({ caller, requestId, contentSha256 }: RequestKey): Intent | undefined {
    const row = this.#sql.find.get(caller, requestId);
    if (row === undefined) return undefined;
    if (!row.content_sha256.equals(contentSha256))
      throw new PkiError("REQUEST_ID_REUSED", "this request id was used for another request");
    return { signatureId: row.signature_id, signerKey: row.signer_key, signingTime: new Date(row.signing_time) };
  }

  /** In the place of the one before, if there is one. */
  put({ caller, requestId, contentSha256 }: RequestKey, { signatureId, signerKey, signingTime }: Intent): void {
    this.#sql.put.run(caller, requestId, contentSha256, signatureId, signerKey, signingTime.getTime());
  }
}
