import { PkiError } from "@vcc-pki/errors";
import type { RequestKey } from "@vcc-pki/rpc";
import type { Database } from "@vcc-pki/store";

/** What can be done with what was signed: its signature was verified, it was taken into use, or it was refused. */
export const USAGE_ACTIONS = ["verified", "loaded", "refused"] as const;
export type UsageAction = (typeof USAGE_ACTIONS)[number];

export interface Usage {
  /** SPIFFE URI. */
  readonly requester: string;
  readonly action: UsageAction;
  /** Where, in the caller's words. */
  readonly context: string;
  readonly times: number;
  readonly usedAt: Date;
}

interface Row {
  requester: string;
  action: UsageAction;
  context: string;
  times: number;
  used_at: number;
}

/** What writes belongs inside `store.write`. */
export class UsageTable {
  readonly #sql;

  constructor(db: Database) {
    this.#sql = {
      find: db.prepare<[string, string], { content_sha256: Buffer }>(
        "SELECT content_sha256 FROM usages WHERE requester = ? AND request_id = ?",
      ),
      insert: db.prepare(
        `INSERT INTO usages (signature, requester, request_id, content_sha256, action, context, times, used_at)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
      ),
      list: db.prepare<[number, number], Row>(
        "SELECT requester, action, context, times, used_at FROM usages WHERE signature = ? ORDER BY usage DESC LIMIT ?",
      ),
      counts: db.prepare<[number], { action: UsageAction; count: number }>(
        "SELECT action, sum(times) AS count FROM usages WHERE signature = ? GROUP BY action",
      ),
    };
  }

  /** False: it was recorded under this request id before. Throws REQUEST_ID_REUSED when that was something else. */
  insert(
    signature: number,
    request: RequestKey,
    { action, context, times, usedAt }: Omit<Usage, "requester">,
  ): boolean {
    const { caller, requestId, contentSha256 } = request;
    const earlier = this.#sql.find.get(caller, requestId);
    if (earlier !== undefined && !earlier.content_sha256.equals(contentSha256))
      throw new PkiError("REQUEST_ID_REUSED", "this request id was used for another request");
    if (earlier !== undefined) return false;
    this.#sql.insert.run(signature, caller, requestId, contentSha256, action, context, times, usedAt.getTime());
    return true;
  }

  /** The newest first. */
  list(signature: number, limit: number): Usage[] {
    return this.#sql.list
      .all(signature, limit)
      .map(({ used_at, ...usage }) => ({ ...usage, usedAt: new Date(used_at) }));
  }

  counts(signature: number): Readonly<Record<UsageAction, number>> {
    const counted = this.#sql.counts.all(signature).map(({ action, count }) => [action, count]);
    return { verified: 0, loaded: 0, refused: 0, ...Object.fromEntries(counted) };
  }
}
