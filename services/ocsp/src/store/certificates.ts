import type { Database } from "@vcc-pki/store";
import type { CertificateName, Status, StoredCertificate } from "../status.ts";

interface Row {
  certificate: number;
  issuer: number;
  serial: Buffer;
  not_after: number;
  revoked_at: number | null;
  reason: number | null;
}

const COLUMNS = "certificate, issuer, serial, not_after, revoked_at, reason";

/** What the ca has said about every certificate. What writes belongs inside `store.write`. */
export class CertificateTable {
  readonly #sql;

  constructor(db: Database) {
    this.#sql = {
      insert: db.prepare(
        "INSERT INTO certificates (issuer, serial, not_after, revoked_at, reason, epoch) VALUES (?, ?, ?, ?, ?, ?)",
      ),
      update: db.prepare(
        "UPDATE certificates SET not_after = ?, revoked_at = ?, reason = ?, epoch = ? WHERE certificate = ?",
      ),
      find: db.prepare<[number, Uint8Array], Row & { epoch: number }>(
        `SELECT ${COLUMNS}, epoch FROM certificates WHERE issuer = ? AND serial = ?`,
      ),
      after: db.prepare<[number, number], Row>(
        `SELECT ${COLUMNS} FROM certificates WHERE certificate > ? ORDER BY certificate LIMIT ?`,
      ),
      revoked: db.prepare<[number, number, number], Row>(
        `SELECT ${COLUMNS} FROM certificates WHERE revoked_at IS NOT NULL AND not_after > ? AND certificate > ?
         ORDER BY certificate LIMIT ?`,
      ),
      unseen: db.prepare<[number, number], Row>(
        `SELECT ${COLUMNS} FROM certificates WHERE epoch < ? AND revoked_at IS NULL LIMIT ?`,
      ),
      delete: db.prepare("DELETE FROM certificates WHERE certificate = ?"),
    };
  }

  find({ issuer, serial }: CertificateName): StoredCertificate | undefined {
    const row = this.#sql.find.get(issuer, serial);
    return row && toCertificate(row);
  }

  /** With the epoch in which the ca told of it last. */
  findWithEpoch({ issuer, serial }: CertificateName): (StoredCertificate & { readonly epoch: number }) | undefined {
    const row = this.#sql.find.get(issuer, serial);
    return row && { ...toCertificate(row), epoch: row.epoch };
  }

  /** Returns the row. */
  insert({ issuer, serial }: CertificateName, { notAfterMs, revocation }: Status, epoch: number): number {
    const { revokedAtMs = null, reason = null } = revocation ?? {};
    return Number(this.#sql.insert.run(issuer, serial, notAfterMs, revokedAtMs, reason, epoch).lastInsertRowid);
  }

  update(certificate: number, { notAfterMs, revocation }: Status, epoch: number): void {
    const { revokedAtMs = null, reason = null } = revocation ?? {};
    this.#sql.update.run(notAfterMs, revokedAtMs, reason, epoch, certificate);
  }

  /** In the order of rows, from the one after `certificate`. */
  listAfter(certificate: number, limit: number): StoredCertificate[] {
    return this.#sql.after.all(certificate, limit).map(toCertificate);
  }

  /** Revoked, and not expired at `nowMs`, in the order of rows. */
  listRevokedAfter(certificate: number, nowMs: number, limit: number): StoredCertificate[] {
    return this.#sql.revoked.all(nowMs, certificate, limit).map(toCertificate);
  }

  /** Good by the word of an earlier epoch alone. */
  listUnseen(epoch: number, limit: number): StoredCertificate[] {
    return this.#sql.unseen.all(epoch, limit).map(toCertificate);
  }

  delete(certificate: number): void {
    this.#sql.delete.run(certificate);
  }
}

function toCertificate({ certificate, issuer, serial, not_after, revoked_at, reason }: Row): StoredCertificate {
  const revocation = revoked_at === null ? undefined : { revokedAtMs: revoked_at, reason: reason ?? 0 };
  return { certificate, issuer, serial, notAfterMs: not_after, revocation };
}
