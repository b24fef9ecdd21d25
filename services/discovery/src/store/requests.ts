import { PkiError } from "@vcc-pki/errors";
import type { RequestKey } from "@vcc-pki/rpc";
import type { Database } from "@vcc-pki/store";

/** Write requests that have been answered. What writes belongs inside `store.write`. */
export class RequestTable {
  readonly #sql;

  constructor(db: Database) {
    this.#sql = {
      find: db.prepare<[string, string], { content_sha256: Buffer; target: string }>(
        "SELECT content_sha256, target FROM requests WHERE requester = ? AND request_id = ?",
      ),
      insert: db.prepare(
        "INSERT INTO requests (requester, request_id, content_sha256, target, at) VALUES (?, ?, ?, ?, ?)",
      ),
    };
  }

  /** What the same request led to; undefined for a new one. Throws REQUEST_ID_REUSED when its content was another. */
  find({ caller, requestId, contentSha256 }: RequestKey): string | undefined {
    const row = this.#sql.find.get(caller, requestId);
    if (row === undefined) return undefined;
    if (!row.content_sha256.equals(contentSha256))
      throw new PkiError("REQUEST_ID_REUSED", "this request id was used for another request");
    return row.target;
  }

  insert({ caller, requestId, contentSha256 }: RequestKey, target: string, now: Date): void {
    this.#sql.insert.run(caller, requestId, contentSha256, target, now.getTime());
  }
}
