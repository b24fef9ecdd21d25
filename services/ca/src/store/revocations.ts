import type { Database } from "@vcc-pki/store";
import { REVOCATION_REASONS, type RevocationReason, type RevokedCertificate } from "@vcc-pki/x509";
import type { CertificateKey } from "./certificates.ts";

export interface Revocation extends CertificateKey {
  readonly crlShard: number;
  readonly revokedAt: Date;
  readonly reason: RevocationReason;
  readonly invalidityDate: Date | undefined;
  /** The certificate's notAfter; undefined: it stays on the list forever. */
  readonly listedUntil: Date | undefined;
  readonly requester: string;
}

interface ListedRow {
  serial: Buffer;
  revoked_at: number;
  reason: number;
  invalidity_date: number | null;
}

/** One row for each revoked certificate. What writes belongs inside `store.write`. */
export class RevocationTable {
  readonly #sql;

  constructor(db: Database) {
    this.#sql = {
      insert: db.prepare(
        `INSERT INTO revocations (organisation, authority_id, serial, crl_shard, revoked_at, reason, invalidity_date, listed_until,
           requester) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      ),
      listed: db.prepare<[string, number, number], ListedRow>(
        `SELECT serial, revoked_at, reason, invalidity_date FROM revocations
         WHERE authority_id = ? AND crl_shard = ? AND (listed_until IS NULL OR listed_until >= ?) ORDER BY serial`,
      ),
    };
  }

  insert(revocation: Revocation): void {
    const { organisation, authorityId, serial, crlShard, revokedAt, reason, invalidityDate, listedUntil } = revocation;
    this.#sql.insert.run(
      organisation,
      authorityId,
      serial,
      crlShard,
      revokedAt.getTime(),
      REVOCATION_REASONS[reason],
      invalidityDate?.getTime() ?? null,
      listedUntil?.getTime() ?? null,
      revocation.requester,
    );
  }

  /** The entries of a list: everything revoked that had not expired at `since`, in the order of serial numbers. */
  listed(authorityId: string, crlShard: number, since: Date): RevokedCertificate[] {
    return this.#sql.listed.all(authorityId, crlShard, since.getTime()).map((row) => ({
      serial: row.serial,
      revocationDate: new Date(row.revoked_at),
      reason: toReason(row.reason),
      invalidityDate: row.invalidity_date === null ? undefined : new Date(row.invalidity_date),
    }));
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
