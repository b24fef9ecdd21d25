import type { Database } from "@vcc-pki/store";
import type { RevocationReason } from "@vcc-pki/x509";
import type { CertificateKey } from "./certificates.ts";
import { readGeneration } from "./generation.ts";
import { toReason } from "./revocations.ts";

/** What can happen to a certificate's status, by its number in the log. */
const CHANGES = { issued: 0, revoked: 1, held: 2, released: 3 } as const;

export type StatusChangeKind = keyof typeof CHANGES;

/** Place of a change among all of them: numbered from 1 without gaps within a generation of serial numbers. */
export interface LogPosition {
  readonly generation: number;
  readonly sequence: number;
}

/** A change of status, and the status as it is now. */
export interface StatusChange extends CertificateKey {
  readonly sequence: number;
  readonly kind: StatusChangeKind;
  readonly profile: string;
  readonly notAfter: Date;
  readonly revocation:
    | { readonly revokedAt: Date; readonly reason: RevocationReason; readonly invalidityDate: Date | undefined }
    | undefined;
  /** Only from `afterWithSubjects`. */
  readonly subject?: StatusSubject;
}

/** What a status is about. */
export interface StatusSubject {
  readonly certificateDer: Uint8Array;
  readonly profileVersion: number;
  readonly requester: string;
  readonly issuedAt: Date;
  /** Who revoked it or put it on hold. */
  readonly revokedBy: string | undefined;
}

interface Row {
  sequence: number;
  change: number;
  organisation: string;
  authority_id: string;
  serial: Buffer;
  profile: string;
  not_after: number;
  revoked_at: number | null;
  reason: number | null;
  invalidity_date: number | null;
}

interface SubjectRow extends Row {
  certificate_der: Buffer;
  profile_version: number;
  requester: string;
  issued_at: number;
  revoked_by: string | null;
}

/** The log of all changes of status. A sequence that is rolled back is given out again, so there are no gaps. */
export class StatusLog {
  /** Of the serial numbers, fixed while the service runs: a restored backup begins a new one. */
  readonly generation: number;
  readonly #sql;

  constructor(db: Database) {
    this.generation = readGeneration(db);
    this.#sql = {
      append: db.prepare<[number, string, Uint8Array]>(
        "INSERT INTO status_log (change, authority_id, serial) VALUES (?, ?, ?)",
      ),
      head: db.prepare<[], number>("SELECT coalesce(max(sequence), 0) FROM status_log").pluck(),
      after: db.prepare<[number, number], Row>(selectAfter(COLUMNS)),
      afterWithSubjects: db.prepare<[number, number], SubjectRow>(selectAfter([...COLUMNS, ...SUBJECT_COLUMNS])),
    };
  }

  /** Adds a change, in the transaction of what changed: only inside `store.write`. */
  append(
    change: StatusChangeKind,
    { authorityId, serial }: Pick<CertificateKey, "authorityId" | "serial">,
  ): LogPosition {
    const { lastInsertRowid } = this.#sql.append.run(CHANGES[change], authorityId, serial);
    return { generation: this.generation, sequence: Number(lastInsertRowid) };
  }

  /** The newest sequence; 0 before the first change. */
  head(): number {
    return this.#sql.head.get() ?? 0;
  }

  /** The changes after a sequence in their order, at most `limit`. */
  after(sequence: number, limit: number): StatusChange[] {
    return this.#sql.after.all(sequence, limit).map(toChange);
  }

  /** The same, with what they are about. */
  afterWithSubjects(sequence: number, limit: number): StatusChange[] {
    return this.#sql.afterWithSubjects
      .all(sequence, limit)
      .map((row) => ({ ...toChange(row), subject: toSubject(row) }));
  }
}

const COLUMNS = [
  ...["l.sequence", "l.change", "c.organisation", "l.authority_id", "l.serial", "c.profile", "c.not_after"],
  ...["r.revoked_at", "r.reason", "r.invalidity_date"],
];
const SUBJECT_COLUMNS = [
  ...["c.certificate_der", "c.profile_version", "c.requester", "c.issued_at", "r.requester AS revoked_by"],
];

const selectAfter = (columns: readonly string[]): string =>
  `SELECT ${columns.join(", ")}
   FROM status_log l JOIN certificates c ON c.authority_id = l.authority_id AND c.serial = l.serial
   LEFT JOIN revocations r
     ON r.organisation = c.organisation AND r.serial = c.serial AND r.authority_id = c.authority_id
   WHERE l.sequence > ? ORDER BY l.sequence LIMIT ?`;

const KINDS = new Map(Object.entries(CHANGES).map(([kind, number]) => [number as number, kind as StatusChangeKind]));

const toSubject = (row: SubjectRow): StatusSubject => ({
  certificateDer: row.certificate_der,
  ...{ profileVersion: row.profile_version, requester: row.requester, issuedAt: new Date(row.issued_at) },
  revokedBy: row.revoked_by ?? undefined,
});

const toChange = (row: Row): StatusChange => ({
  sequence: row.sequence,
  kind: KINDS.get(row.change) ?? "issued",
  ...{ organisation: row.organisation, authorityId: row.authority_id, serial: row.serial, profile: row.profile },
  notAfter: new Date(row.not_after),
  revocation:
    row.revoked_at === null
      ? undefined
      : {
          revokedAt: new Date(row.revoked_at),
          reason: toReason(row.reason ?? 0),
          invalidityDate: row.invalidity_date === null ? undefined : new Date(row.invalidity_date),
        },
});
