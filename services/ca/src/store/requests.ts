import { PkiError } from "@vcc-pki/errors";
import type { Database } from "@vcc-pki/store";

/** One request id of one requester in one organisation. */
export interface RequestKey {
  readonly organisation: string;
  /** SPIFFE URI. */
  readonly requester: string;
  readonly requestId: string;
  /** SHA-256 over the RPC's name and the request: what a repeat must agree with. */
  readonly contentSha256: Uint8Array;
}

/** Requesters whose greatest request id is kept in memory. */
const MAX_KNOWN = 10_000;

/** What was asked under which request id, and what came of it. */
export class RequestTable {
  readonly #sql;
  /** The greatest request id of each requester. Ids that grow with time, as most do, need no look into the table. */
  readonly #greatest = new Map<string, string>();

  constructor(db: Database) {
    this.#sql = {
      find: db.prepare<[string, string, string], { content_sha256: Buffer; target: string }>(
        "SELECT content_sha256, target FROM requests WHERE organisation = ? AND requester = ? AND request_id = ?",
      ),
      greatest: db
        .prepare<[string, string], string | null>(
          "SELECT max(request_id) FROM requests WHERE organisation = ? AND requester = ?",
        )
        .pluck(),
      insert: db.prepare(
        `INSERT INTO requests (organisation, requester, request_id, content_sha256, target, recorded_at)
         VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
      ),
    };
  }

  /** What the same request led to; undefined for a new one. Throws REQUEST_ID_REUSED when its content was another. */
  findTarget({ organisation, requester, requestId, contentSha256 }: RequestKey): string | undefined {
    if (requestId > this.#greatestOf(organisation, requester)) return undefined;
    const row = this.#sql.find.get(organisation, requester, requestId);
    if (row === undefined) return undefined;
    if (!row.content_sha256.equals(contentSha256)) {
      throw new PkiError("REQUEST_ID_REUSED", "this request id was used for another request");
    }
    return row.target;
  }

  /** Takes a request id; false when it has been taken meanwhile. Only inside `store.write`. */
  insert({ organisation, requester, requestId, contentSha256 }: RequestKey, target: string, now: Date): boolean {
    // Too great does no harm, should the transaction fail; too small would.
    if (requestId > this.#greatestOf(organisation, requester))
      this.#greatest.set(`${organisation} ${requester}`, requestId);
    return this.#sql.insert.run(organisation, requester, requestId, contentSha256, target, now.getTime()).changes === 1;
  }

  #greatestOf(organisation: string, requester: string): string {
    const name = `${organisation} ${requester}`;
    let greatest = this.#greatest.get(name);
    if (greatest === undefined) {
      greatest = this.#sql.greatest.get(organisation, requester) ?? "";
      if (this.#greatest.size >= MAX_KNOWN) this.#greatest.clear();
      this.#greatest.set(name, greatest);
    }
    return greatest;
  }
}
