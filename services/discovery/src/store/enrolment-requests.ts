import type { Database } from "@vcc-pki/store";
import type { ServiceKey } from "../service-record.ts";

/** A service without token that asks for an identity. */
export interface EnrolmentRequest extends ServiceKey {
  readonly enrolmentRequestId: string;
  readonly csrDer: Uint8Array;
  readonly secretSha256: Uint8Array;
  readonly peerAddress: string;
  /** "" until it is approved. */
  readonly profile: string;
  readonly decision: { readonly isApproved: boolean; readonly by: string } | undefined;
  readonly requestedAt: Date;
  readonly expiresAt: Date;
}

interface Row {
  organisation: string;
  enrolment_request_id: string;
  service: string;
  csr_der: Buffer;
  secret_sha256: Buffer;
  peer_address: string;
  profile: string;
  decision: "approved" | "refused" | null;
  decided_by: string | null;
  requested_at: number;
  expires_at: number;
}

const COLUMNS = `organisation, enrolment_request_id, service, csr_der, secret_sha256, peer_address, profile, decision, decided_by, requested_at,
  expires_at`;

/** What writes belongs inside `store.write`. */
export class EnrolmentRequestTable {
  readonly #sql;

  constructor(db: Database) {
    this.#sql = {
      insert: db.prepare(
        `INSERT INTO enrolment_requests (organisation, enrolment_request_id, service, csr_der, secret_sha256, peer_address, profile,
           requested_at, expires_at) VALUES (?, ?, ?, ?, ?, ?, '', ?, ?)`,
      ),
      find: db.prepare<[string], Row>(`SELECT ${COLUMNS} FROM enrolment_requests WHERE enrolment_request_id = ?`),
      list: db.prepare<[string, number], Row>(
        `SELECT ${COLUMNS} FROM enrolment_requests WHERE organisation = ? ORDER BY requested_at DESC, enrolment_request_id LIMIT ?`,
      ),
      waiting: db
        .prepare<{ organisation: string; service: string; now: number }, number>(
          `SELECT count(*) FROM enrolment_requests WHERE (@organisation = '' OR organisation = @organisation)
             AND (@service = '' OR service = @service) AND decision IS NULL AND expires_at > @now`,
        )
        .pluck(),
      decide: db.prepare(
        `UPDATE enrolment_requests SET decision = ?, decided_by = ?, profile = ?, expires_at = ?
         WHERE organisation = ? AND enrolment_request_id = ?`,
      ),
      forget: db.prepare("DELETE FROM enrolment_requests WHERE decision IS NULL AND expires_at <= ?"),
    };
  }

  insert(asked: EnrolmentRequest): void {
    this.#sql.insert.run(
      ...[asked.organisation, asked.enrolmentRequestId, asked.service, asked.csrDer, asked.secretSha256],
      ...[asked.peerAddress, asked.requestedAt.getTime(), asked.expiresAt.getTime()],
    );
  }

  /** Of any organisation: whoever claims it has its secret. */
  find(enrolmentRequestId: string): EnrolmentRequest | undefined {
    const row = this.#sql.find.get(enrolmentRequestId);
    return row && toRequest(row);
  }

  /** The newest first. */
  list(organisation: string, limit: number): EnrolmentRequest[] {
    return this.#sql.list.all(organisation, limit).map(toRequest);
  }

  /** How many wait for a decision; "" is any. */
  countWaiting(organisation: string, service: string, now: Date): number {
    return this.#sql.waiting.get({ organisation, service, now: now.getTime() }) ?? 0;
  }

  decide(asked: EnrolmentRequest, isApproved: boolean, by: string, profile: string, expiresAt: Date): void {
    const decision = isApproved ? "approved" : "refused";
    this.#sql.decide.run(decision, by, profile, expiresAt.getTime(), asked.organisation, asked.enrolmentRequestId);
  }

  /** Those that nobody has decided in time. */
  forgetExpired(now: Date): number {
    return this.#sql.forget.run(now.getTime()).changes;
  }
}

const toRequest = (row: Row): EnrolmentRequest => ({
  ...{ organisation: row.organisation, enrolmentRequestId: row.enrolment_request_id, service: row.service },
  ...{ csrDer: row.csr_der, secretSha256: row.secret_sha256, peerAddress: row.peer_address, profile: row.profile },
  decision:
    row.decision === null || row.decided_by === null
      ? undefined
      : { isApproved: row.decision === "approved", by: row.decided_by },
  ...{ requestedAt: new Date(row.requested_at), expiresAt: new Date(row.expires_at) },
});
