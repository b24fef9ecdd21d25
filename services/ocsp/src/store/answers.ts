import type { Database } from "@vcc-pki/store";
import type { CertIdHash } from "@vcc-pki/x509";
import { HASHES, type Revocation, type SignedAnswer } from "../status.ts";

interface Row {
  certificate: number;
  hash: number;
  responder: number;
  this_update: number;
  next_update: number;
  signature: Buffer;
}

/** An answer as it is stored. */
export interface StoredAnswer extends SignedAnswer {
  readonly certificate: number;
  readonly hash: CertIdHash;
}

const COLUMNS = "certificate, hash, responder, this_update, next_update, signature";

/** Signatures over answers. What writes belongs inside `store.write`. */
export class AnswerTable {
  readonly #sql;

  constructor(db: Database) {
    this.#sql = {
      put: db.prepare(
        `INSERT OR REPLACE INTO answers (${COLUMNS}) SELECT certificate, ?, ?, ?, ?, ? FROM certificates
         WHERE certificate = ? AND revoked_at IS ? AND reason IS ?`,
      ),
      of: db.prepare<[number], Row>(`SELECT ${COLUMNS} FROM answers WHERE certificate = ?`),
      between: db.prepare<[number, number], Row>(
        `SELECT ${COLUMNS} FROM answers WHERE certificate > ? AND certificate <= ?`,
      ),
      delete: db.prepare("DELETE FROM answers WHERE certificate = ?"),
    };
  }

  /** Stores an answer that says `revocation`, unless the certificate's status is another by now. */
  put({ certificate, hash, ...answer }: StoredAnswer, revocation: Revocation | undefined): void {
    const { responder, thisUpdate, nextUpdate, signature } = answer;
    const { revokedAtMs = null, reason = null } = revocation ?? {};
    const hashNumber = HASHES.indexOf(hash);
    this.#sql.put.run(hashNumber, responder, thisUpdate, nextUpdate, signature, certificate, revokedAtMs, reason);
  }

  listOf(certificate: number): StoredAnswer[] {
    return this.#sql.of.all(certificate).map(toAnswer);
  }

  /** Those of the rows after `first` up to and including `last`. */
  listBetween(first: number, last: number): StoredAnswer[] {
    return this.#sql.between.all(first, last).map(toAnswer);
  }

  delete(certificate: number): void {
    this.#sql.delete.run(certificate);
  }
}

function toAnswer({ certificate, hash, responder, this_update, next_update, signature }: Row): StoredAnswer {
  const name = HASHES[hash] ?? "sha1";
  return { certificate, hash: name, responder, thisUpdate: this_update, nextUpdate: next_update, signature };
}
