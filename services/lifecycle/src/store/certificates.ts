import type { Database } from "@vcc-pki/store";
import type { CertificateKey, ManagedCertificate } from "../certificate.ts";
import type { Living, State } from "../states.ts";

interface Row {
  organisation: string;
  certificate_id: string;
  serial_hex: string;
  identity: string;
  predecessor_id: string | null;
  profile: string;
  profile_version: number;
  key_algorithm: string;
  spki_sha256: Buffer;
  subject: string;
  dns_names: string;
  requester: string;
  issued_at: number;
  not_before: number;
  not_after: number;
  renew_at: number;
  state: State;
  resumes_as: Living | null;
  due_at: number | null;
  revocation_reason: string | null;
}

const COLUMNS = [
  ...["organisation", "certificate_id", "serial_hex", "identity", "predecessor_id", "profile", "profile_version"],
  ...["key_algorithm", "spki_sha256", "subject", "dns_names", "requester", "issued_at", "not_before", "not_after"],
  ...["renew_at", "state", "resumes_as", "due_at", "revocation_reason"],
];

export interface CertificateFilter {
  readonly organisation: string;
  /** "": any. */
  readonly state: State | "";
  /** "": any. */
  readonly profile: string;
  readonly expiresBefore: Date | undefined;
}

/** Where a page ended. */
export interface Cursor {
  readonly notAfterMs: number;
  readonly certificateId: string;
}

/** What writes belongs inside `store.write`. */
export class CertificateTable {
  readonly #sql;

  constructor(db: Database) {
    const select = `SELECT ${COLUMNS.join(", ")} FROM certificates`;
    this.#sql = {
      insert: db.prepare(
        `INSERT INTO certificates (${COLUMNS.join(", ")}) VALUES (${COLUMNS.map((name) => `@${name}`).join(", ")})`,
      ),
      setState: db.prepare(
        `UPDATE certificates SET state = @state, resumes_as = @resumes_as, due_at = @due_at, revocation_reason = @revocation_reason
         WHERE organisation = @organisation AND certificate_id = @certificate_id`,
      ),
      find: db.prepare<[string, string], Row>(`${select} WHERE organisation = ? AND certificate_id = ?`),
      bySerial: db.prepare<[string, string], Row>(`${select} WHERE organisation = ? AND serial_hex = ? LIMIT 2`),
      newest: db.prepare<[string, string, number], Row>(
        `${select} WHERE organisation = ? AND identity = ? AND issued_at <= ? ORDER BY issued_at DESC, certificate_id DESC LIMIT 1`,
      ),
      newestOfSubject: db.prepare<[string, string], Row>(
        `${select} WHERE organisation = ? AND subject = ? ORDER BY issued_at DESC, certificate_id DESC LIMIT 1`,
      ),
      successor: db.prepare<[string, string, string], Row>(
        `${select} WHERE organisation = ? AND identity = ? AND predecessor_id = ? LIMIT 1`,
      ),
      line: db.prepare<[string, string, number], Row>(
        `${select} WHERE organisation = ? AND identity = ? ORDER BY issued_at DESC, certificate_id DESC LIMIT ?`,
      ),
      due: db.prepare<[number, number], Row>(`${select} WHERE due_at <= ? ORDER BY due_at LIMIT ?`),
      page: db.prepare<[Record<string, unknown>], Row>(
        `${select} WHERE organisation = @organisation AND (not_after, certificate_id) > (@notAfterMs, @certificateId)
         AND not_after < @before AND (@state = '' OR state = @state) AND (@profile = '' OR profile = @profile)
         ORDER BY not_after, certificate_id LIMIT @limit`,
      ),
    };
  }

  insert(certificate: ManagedCertificate): void {
    this.#sql.insert.run(toRow(certificate));
  }

  setState(certificate: ManagedCertificate): void {
    this.#sql.setState.run(toRow(certificate));
  }

  find({ organisation, certificateId }: CertificateKey): ManagedCertificate | undefined {
    return fromRow(this.#sql.find.get(organisation, certificateId));
  }

  /** Two at most: several authorities may use a serial number. */
  findBySerial(organisation: string, serialHex: string): readonly ManagedCertificate[] {
    return this.#sql.bySerial.all(organisation, serialHex).map(toCertificate);
  }

  /** The newest of an identity, issued by then. */
  findNewest(organisation: string, identity: string, by: Date): ManagedCertificate | undefined {
    return fromRow(this.#sql.newest.get(organisation, identity, by.getTime()));
  }

  findNewestOfSubject(organisation: string, subject: string): ManagedCertificate | undefined {
    return fromRow(this.#sql.newestOfSubject.get(organisation, subject));
  }

  findSuccessor({ organisation, identity, certificateId }: ManagedCertificate): ManagedCertificate | undefined {
    return fromRow(this.#sql.successor.get(organisation, identity, certificateId));
  }

  /** All of an identity, the newest first. */
  line({ organisation, identity }: ManagedCertificate, limit: number): readonly ManagedCertificate[] {
    return this.#sql.line.all(organisation, identity, limit).map(toCertificate);
  }

  /** Those whose time has come, the longest waiting first. */
  due(now: Date, limit: number): readonly ManagedCertificate[] {
    return this.#sql.due.all(now.getTime(), limit).map(toCertificate);
  }

  /** What ends first comes first. */
  page(
    { expiresBefore, ...filter }: CertificateFilter,
    after: Cursor | undefined,
    limit: number,
  ): readonly ManagedCertificate[] {
    const from = after ?? { notAfterMs: Number.MIN_SAFE_INTEGER, certificateId: "" };
    const before = expiresBefore?.getTime() ?? Number.MAX_SAFE_INTEGER;
    return this.#sql.page.all({ ...filter, ...from, before, limit }).map(toCertificate);
  }
}

const fromRow = (row: Row | undefined): ManagedCertificate | undefined => row && toCertificate(row);

const toCertificate = (row: Row): ManagedCertificate => ({
  ...{ organisation: row.organisation, certificateId: row.certificate_id, serialHex: row.serial_hex },
  ...{ identity: row.identity, predecessorId: row.predecessor_id ?? undefined, profile: row.profile },
  ...{ profileVersion: row.profile_version, keyAlgorithm: row.key_algorithm, spkiSha256: row.spki_sha256 },
  ...{ subject: row.subject, dnsNames: JSON.parse(row.dns_names), requester: row.requester },
  ...{ issuedAt: new Date(row.issued_at), notBefore: new Date(row.not_before), notAfter: new Date(row.not_after) },
  ...{ renewAt: new Date(row.renew_at), state: row.state, resumesAs: row.resumes_as ?? undefined },
  dueAt: row.due_at === null ? undefined : new Date(row.due_at),
  revocationReason: row.revocation_reason ?? undefined,
});

const toRow = (certificate: ManagedCertificate): Row => ({
  organisation: certificate.organisation,
  certificate_id: certificate.certificateId,
  serial_hex: certificate.serialHex,
  identity: certificate.identity,
  predecessor_id: certificate.predecessorId ?? null,
  profile: certificate.profile,
  profile_version: certificate.profileVersion,
  key_algorithm: certificate.keyAlgorithm,
  spki_sha256: Buffer.from(certificate.spkiSha256),
  subject: certificate.subject,
  dns_names: JSON.stringify(certificate.dnsNames),
  requester: certificate.requester,
  issued_at: certificate.issuedAt.getTime(),
  not_before: certificate.notBefore.getTime(),
  not_after: certificate.notAfter.getTime(),
  renew_at: certificate.renewAt.getTime(),
  state: certificate.state,
  resumes_as: certificate.resumesAs ?? null,
  due_at: certificate.dueAt?.getTime() ?? null,
  revocation_reason: certificate.revocationReason ?? null,
});
