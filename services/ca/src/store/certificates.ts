import type { Database } from "@vcc-pki/store";
import type { RevocationReason } from "@vcc-pki/x509";
import { type NameIndex, selectNamed } from "./name-index.ts";
import { toReason } from "./revocations.ts";

/** What identifies a certificate. */
export interface CertificateKey {
  readonly organisation: string;
  readonly authorityId: string;
  readonly serial: Uint8Array;
}

/** A certificate as stored. Subject, names and dates are in the DER. */
export interface IssuedCertificate extends CertificateKey {
  readonly profile: string;
  readonly profileVersion: number;
  readonly requester: string;
  readonly issuedAt: Date;
  readonly notAfter: Date;
  readonly crlShard: number;
  readonly certificateDer: Uint8Array;
}

/** A certificate and whether it was revoked. */
export interface CertificateStatus extends IssuedCertificate {
  readonly revocation:
    | { readonly revokedAt: Date; readonly reason: RevocationReason; readonly invalidityDate?: Date }
    | undefined;
}

export interface CertificateRow {
  organisation: string;
  authority_id: string;
  serial: Buffer;
  profile: string;
  profile_version: number;
  requester: string;
  issued_at: number;
  not_after: number;
  crl_shard: number;
  certificate_der: Buffer;
  revoked_at: number | null;
  reason: number | null;
  invalidity_date: number | null;
}

/** Columns of a certificate and its revocation, from `certificates c` and `revocations r`. */
export const COLUMNS = `c.organisation, c.authority_id, c.serial, c.profile, c.profile_version, c.requester, c.issued_at,
  c.not_after, c.crl_shard, c.certificate_der, r.revoked_at, r.reason, r.invalidity_date`;

export const SAME_CERTIFICATE =
  "r.organisation = c.organisation AND r.serial = c.serial AND r.authority_id = c.authority_id";

const CERTIFICATES = `FROM certificates c LEFT JOIN revocations r ON ${SAME_CERTIFICATE}`;

/** Certificates and the index of their names. What writes belongs inside `store.write`. */
export class CertificateTable {
  readonly #names: NameIndex;
  readonly #sql;

  constructor(db: Database, names: NameIndex) {
    this.#names = names;
    this.#sql = prepare(db);
  }

  /** Throws when the authority has used the serial number before. */
  insert(certificate: IssuedCertificate, names: readonly string[], noticeDueAt: Date | undefined): void {
    const { organisation, serial } = certificate;
    this.#sql.insert.run(
      organisation,
      certificate.authorityId,
      serial,
      certificate.profile,
      certificate.profileVersion,
      certificate.requester,
      certificate.issuedAt.getTime(),
      certificate.notAfter.getTime(),
      certificate.crlShard,
      noticeDueAt?.getTime() ?? null,
      certificate.certificateDer,
    );
    this.#names.add(organisation, serial, names);
  }

  find({ organisation, authorityId, serial }: CertificateKey): CertificateStatus | undefined {
    const row = this.#sql.find.get(organisation, serial, authorityId);
    return row && toCertificateStatus(row);
  }

  /** Certificates of the organisation with this serial number, by whichever authority. */
  findBySerial(organisation: string, serial: Uint8Array): CertificateStatus[] {
    return this.#sql.findBySerial.all(organisation, serial).map(toCertificateStatus);
  }

  /** The newest certificates of the organisation that carry this name. */
  findByName(organisation: string, name: string, limit: number): CertificateStatus[] {
    return this.#sql.findByName.all(organisation, name, organisation, name, limit).map(toCertificateStatus);
  }

  /** Certificates whose next expiry notice is due, at most `limit`. */
  due(now: Date, limit: number): (CertificateStatus & { noticeDueAt: Date })[] {
    return this.#sql.due
      .all(now.getTime(), limit)
      .map((row) => ({ ...toCertificateStatus(row), noticeDueAt: new Date(row.notice_due_at) }));
  }

  setNotice({ organisation, authorityId, serial }: CertificateKey, dueAt: Date | undefined): void {
    this.#sql.setNotice.run(dueAt?.getTime() ?? null, organisation, serial, authorityId);
  }
}

function prepare(db: Database) {
  return {
    insert: db.prepare(
      `INSERT INTO certificates (organisation, authority_id, serial, profile, profile_version, requester, issued_at, not_after,
         crl_shard, notice_due_at, certificate_der)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ),
    find: db.prepare<[string, Uint8Array, string], CertificateRow>(
      `SELECT ${COLUMNS} ${CERTIFICATES} WHERE c.organisation = ? AND c.serial = ? AND c.authority_id = ?`,
    ),
    findBySerial: db.prepare<[string, Uint8Array], CertificateRow>(
      `SELECT ${COLUMNS} ${CERTIFICATES} WHERE c.organisation = ? AND c.serial = ?`,
    ),
    findByName: db.prepare<[string, string, string, string, number], CertificateRow>(
      `${selectNamed(COLUMNS, "n.organisation = ? AND n.term = ?", "named_serial DESC")} LIMIT ?`,
    ),
    due: db.prepare<[number, number], CertificateRow & { notice_due_at: number }>(
      `SELECT ${COLUMNS}, c.notice_due_at ${CERTIFICATES}
       WHERE c.notice_due_at <= ? ORDER BY c.notice_due_at LIMIT ?`,
    ),
    setNotice: db.prepare(
      "UPDATE certificates SET notice_due_at = ? WHERE organisation = ? AND serial = ? AND authority_id = ?",
    ),
  };
}

export function toCertificateStatus(row: CertificateRow): CertificateStatus {
  return {
    organisation: row.organisation,
    authorityId: row.authority_id,
    serial: row.serial,
    profile: row.profile,
    profileVersion: row.profile_version,
    requester: row.requester,
    issuedAt: new Date(row.issued_at),
    notAfter: new Date(row.not_after),
    crlShard: row.crl_shard,
    certificateDer: row.certificate_der,
    revocation:
      row.revoked_at === null
        ? undefined
        : {
            revokedAt: new Date(row.revoked_at),
            reason: toReason(row.reason ?? 0),
            invalidityDate: row.invalidity_date === null ? undefined : new Date(row.invalidity_date),
          },
  };
}
