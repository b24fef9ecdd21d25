import { PkiError } from "@vcc-pki/errors";
import type { RequestKey } from "@vcc-pki/rpc";
import type { Database } from "@vcc-pki/store";

export interface NewRecall {
  readonly recallId: string;
  readonly organisation: string;
  /** JSON: what was asked for. */
  readonly targetJson: string;
  readonly reason: string;
  readonly recalledAt: Date;
}

export interface StoredRecall extends NewRecall {
  /** Its row. */
  readonly recall: number;
  /** SPIFFE URI. */
  readonly requester: string;
  /** How many artefacts are recalled by it. */
  readonly count: number;
}

interface Row {
  recall: number;
  recall_id: string;
  organisation: string;
  requester: string;
  target: string;
  reason: string;
  recalled_at: number;
  count: number;
}

const SELECT = `SELECT recall, recall_id, organisation, requester, content_sha256, target, reason, recalled_at,
  (SELECT count(*) FROM recalled_artefacts WHERE recalled_artefacts.recall = recalls.recall) AS count FROM recalls`;

/** What writes belongs inside `store.write`. */
export class RecallTable {
  readonly #sql;

  constructor(db: Database) {
    this.#sql = {
      insert: db.prepare(
        `INSERT INTO recalls (recall_id, organisation, requester, request_id, content_sha256, target, reason, recalled_at)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
      ),
      add: db.prepare(
        `INSERT INTO recalled_artefacts (organisation, artefact_digest, recall) SELECT ?, value, ? FROM json_each(?) WHERE true
         ON CONFLICT DO NOTHING`,
      ),
      get: db.prepare<[number], Row>(`${SELECT} WHERE recall = ?`),
      byRequest: db.prepare<[string, string], Row & { content_sha256: Buffer }>(
        `${SELECT} WHERE requester = ? AND request_id = ?`,
      ),
      list: db.prepare<[string, number], Row>(`${SELECT} WHERE organisation = ? ORDER BY recall DESC LIMIT ?`),
      ofArtefact: db.prepare<[string, string], Row>(
        `${SELECT} WHERE recall = (SELECT recall FROM recalled_artefacts WHERE organisation = ? AND artefact_digest = ?)`,
      ),
      artefacts: db.prepare<[number, number], { artefact_digest: string }>(
        "SELECT artefact_digest FROM recalled_artefacts WHERE recall = ? ORDER BY artefact_digest LIMIT ?",
      ),
    };
  }

  /** Throws REQUEST_ID_REUSED when it was for something else. */
  findByRequest({ caller, requestId, contentSha256 }: RequestKey): StoredRecall | undefined {
    const row = this.#sql.byRequest.get(caller, requestId);
    if (row === undefined) return undefined;
    if (!row.content_sha256.equals(contentSha256))
      throw new PkiError("REQUEST_ID_REUSED", "this request id was used for another request");
    return toRecall(row);
  }

  /** Artefacts that are recalled already stay with the recall that came first. */
  insert(request: RequestKey, made: NewRecall, digests: readonly string[]): StoredRecall {
    const { recallId, organisation, targetJson, reason, recalledAt } = made;
    const { caller, requestId, contentSha256 } = request;
    const { lastInsertRowid } = this.#sql.insert.run(
      ...[recallId, organisation, caller, requestId, contentSha256, targetJson, reason, recalledAt.getTime()],
    );
    const recall = Number(lastInsertRowid);
    this.#sql.add.run(organisation, recall, JSON.stringify(digests));
    return toRecall(this.#sql.get.get(recall) as Row);
  }

  /** The newest first. */
  list(organisation: string, limit: number): StoredRecall[] {
    return this.#sql.list.all(organisation, limit).map(toRecall);
  }

  /** The recall of an artefact of this organisation. */
  findOf(organisation: string, artefactDigest: string): StoredRecall | undefined {
    const row = this.#sql.ofArtefact.get(organisation, artefactDigest);
    return row && toRecall(row);
  }

  digestsOf(recall: number, limit: number): string[] {
    return this.#sql.artefacts.all(recall, limit).map(({ artefact_digest }) => artefact_digest);
  }
}

const toRecall = (row: Row): StoredRecall => ({
  ...{ recall: row.recall, recallId: row.recall_id, organisation: row.organisation, requester: row.requester },
  ...{ targetJson: row.target, reason: row.reason, recalledAt: new Date(row.recalled_at), count: row.count },
});
