import { PkiError } from "@vcc-pki/errors";
import type { RequestKey } from "@vcc-pki/rpc";
import type { Database } from "@vcc-pki/store";

/** Which token a request of the suite has led to. What writes belongs inside `store.write`. */
export class RequestTable {
  readonly #sql;

  constructor(db: Database) {
    this.#sql = {
      find: db.prepare<[string, string], { content_sha256: Buffer; token: number }>(
        "SELECT content_sha256, token FROM requests WHERE caller = ? AND request_id = ?",
      ),
      insert: db.prepare("INSERT INTO requests (caller, request_id, content_sha256, token) VALUES (?, ?, ?, ?)"),
      forget: db.prepare(
        `DELETE FROM requests WHERE token IN
           (SELECT token FROM requests WHERE token < (SELECT min(token) FROM tokens) ORDER BY token LIMIT ?)`,
      ),
    };
  }

  /** The row of its token. Throws REQUEST_ID_REUSED when it was for something else. */
  findToken({ caller, requestId, contentSha256 }: RequestKey): number | undefined {
    const known = this.#sql.find.get(caller, requestId);
    if (known === undefined) return undefined;
    if (!known.content_sha256.equals(contentSha256))
      throw new PkiError("REQUEST_ID_REUSED", "this request id was used for another request");
    return known.token;
  }

  insert({ caller, requestId, contentSha256 }: RequestKey, token: number): void {
    this.#sql.insert.run(caller, requestId, contentSha256, token);
  }

  /** Forgets up to `limit` of those whose tokens are forgotten. */
  forgetOrphans(limit: number): void {
    this.#sql.forget.run(limit);
  }
}
