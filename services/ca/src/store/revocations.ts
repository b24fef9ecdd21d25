import type { Database } from "@vcc-pki/store";
import { REVOCATION_REASONS, type RevocationReason } from "@vcc-pki/x509";
import type { CertificateKey } from "./certificates.ts";

export interface Revocation extends CertificateKey {
  readonly crlShard: number;
  readonly revokedAt: Date;
  readonly reason: RevocationReason;
  readonly invalidityDate: Date | undefined;
  /** The certificate's notAfter; undefined: it stays on the list forever. */
  readonly listedUntil: Date | undefined;
  readonly requester: string;
  /** Of the change, in the status log. */
  readonly sequence: number;
}

/** The end of a hold. */
export interface Release extends CertificateKey {
  readonly crlShard: number;
  readonly releasedAt: Date;
  /** Of the change, in the status log. */
  readonly sequence: number;
}

/** One row for each revoked certificate, and one for each that was released from a hold a short while ago. What writes belongs inside
 *  `store.write`. */
export class RevocationTable {
  readonly #sql;

  constructor(db: Database) {
    this.#sql = {
      put: db.prepare(
        `INSERT INTO revocations (organisation, authority_id, serial, crl_shard, revoked_at, reason, invalidity_date, listed_until,
           requester, sequence) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT DO UPDATE SET reason = excluded.reason, invalidity_date = excluded.invalidity_date,
           listed_until = excluded.listed_until, requester = excluded.requester, sequence = excluded.sequence`,
      ),
      delete: db.prepare("DELETE FROM revocations WHERE organisation = ? AND serial = ? AND authority_id = ?"),
      release: db.prepare(
        `INSERT INTO releases (organisation, authority_id, crl_shard, serial, released_at, sequence) VALUES (?, ?, ?, ?, ?, ?)`,
      ),
      unrelease: db.prepare(
        "DELETE FROM releases WHERE organisation = ? AND authority_id = ? AND crl_shard = ? AND serial = ?",
      ),
    };
  }

  /** Stores a revocation; one that ends a hold for good takes its place and keeps its date. */
  put(revocation: Revocation): void {
    const { organisation, authorityId, serial, crlShard, revokedAt, reason, invalidityDate, listedUntil } = revocation;
    this.#sql.unrelease.run(organisation, authorityId, crlShard, serial);
    this.#sql.put.run(
      organisation,
      authorityId,
      serial,
      crlShard,
      revokedAt.getTime(),
      REVOCATION_REASONS[reason],
      invalidityDate?.getTime() ?? null,
      listedUntil?.getTime() ?? null,
      revocation.requester,
      revocation.sequence,
    );
  }

  /** Ends a hold. */
  release({ organisation, authorityId, serial, crlShard, releasedAt, sequence }: Release): void {
    this.#sql.delete.run(organisation, serial, authorityId);
    this.#sql.release.run(organisation, authorityId, crlShard, serial, releasedAt.getTime(), sequence);
  }
}

const REASON_BY_NUMBER = new Map(
  Object.entries(REVOCATION_REASONS).map(([reason, number]) => [number as number, reason as RevocationReason]),
);

export function toReason(number: number): RevocationReason {
  const reason = REASON_BY_NUMBER.get(number);
  if (reason === undefined) throw new Error(`not a revocation reason: ${number}`);
  return reason;
}
