import type { Database } from "@vcc-pki/store";
import type { HashAlgorithm } from "@vcc-pki/x509";

/** What a token carries besides itself; the place is its number in the database. */
export const CERTIFICATES_IN_TOKEN = ["none", "unit", "chain"] as const;
export type CertificatesInToken = (typeof CERTIFICATES_IN_TOKEN)[number];

/** A token in its parts. */
export interface LoggedToken {
  readonly organisation: string;
  /** Content octets of the INTEGER. */
  readonly serial: Uint8Array;
  readonly hash: HashAlgorithm;
  readonly digest: Uint8Array;
  readonly policy: string;
  readonly unitKey: number;
  readonly genTime: Date;
  readonly evidenceId: string;
  readonly tstInfoDer: Uint8Array;
  readonly signedAttributesDer: Uint8Array;
  readonly signature: Uint8Array;
  readonly certificates: CertificatesInToken;
}

export interface StoredToken extends LoggedToken {
  /** Its row. */
  readonly token: number;
}

interface Row {
  token: number;
  organisation: string;
  serial: Buffer;
  hash_algorithm: HashAlgorithm;
  digest: Buffer;
  policy_oid: string;
  unit_key: number;
  gen_time: number;
  evidence_id: string;
  tst_info: Buffer;
  signed_attributes: Buffer;
  signature: Buffer;
  certificates: number;
}

const COLUMNS = `organisation, serial, hash_algorithm, digest, policy_oid, unit_key, gen_time, evidence_id, tst_info, signed_attributes,
  signature, certificates`;
/** `tokens_by_digest` has an index of its own for each block of so many bits of row numbers. */
const BLOCK_BITS = 12;

/** The log of tokens. What writes belongs inside `store.write`. */
export class TokenTable {
  readonly #sql;

  constructor(db: Database) {
    this.#sql = {
      insert: db.prepare(`INSERT INTO tokens (${COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`),
      get: db.prepare<[number], Row>(`SELECT token, ${COLUMNS} FROM tokens WHERE token = ?`),
      bySerial: db.prepare<[Uint8Array, string], Row>(
        `SELECT token, ${COLUMNS} FROM tokens WHERE serial = ? AND organisation = ?`,
      ),
      byDigest: db.prepare<[Uint8Array, number, string, number], Row>(
        `WITH RECURSIVE block (number) AS (
           SELECT max(token) >> ${BLOCK_BITS} FROM tokens
           UNION ALL SELECT number - 1 FROM block WHERE number > (SELECT min(token) >> ${BLOCK_BITS} FROM tokens)
         )
         SELECT token, ${COLUMNS} FROM block CROSS JOIN tokens
         WHERE token >> ${BLOCK_BITS} = block.number AND digest = ? AND token < ? AND organisation = ?
         ORDER BY token DESC LIMIT ?`,
      ),
      bounds: db.prepare<[], { first: number | null; last: number | null }>(
        "SELECT (SELECT min(token) FROM tokens) AS first, (SELECT max(token) FROM tokens) AS last",
      ),
      // The oldest rows are the first: only they are looked at. The newest stays, so that no row number comes twice.
      forget: db.prepare(
        `DELETE FROM tokens WHERE token IN
           (SELECT token FROM (SELECT token, gen_time FROM tokens ORDER BY token LIMIT ?)
            WHERE gen_time < ? AND token < (SELECT max(token) FROM tokens))`,
      ),
    };
  }

  /** Returns its row. Throws what SQLite does when the serial number was used before. */
  insert(token: LoggedToken): number {
    const { lastInsertRowid } = this.#sql.insert.run(
      ...[token.organisation, token.serial, token.hash, token.digest, token.policy, token.unitKey],
      ...[token.genTime.getTime(), token.evidenceId, token.tstInfoDer, token.signedAttributesDer, token.signature],
      CERTIFICATES_IN_TOKEN.indexOf(token.certificates),
    );
    return Number(lastInsertRowid);
  }

  find(token: number): StoredToken | undefined {
    return toToken(this.#sql.get.get(token));
  }

  /** Only of this organisation. */
  findBySerial(organisation: string, serial: Uint8Array): StoredToken | undefined {
    return toToken(this.#sql.bySerial.get(serial, organisation));
  }

  /** The newest first, of this organisation, from rows before `before`. A millisecond for each million tokens in the log. */
  listByDigest(organisation: string, digest: Uint8Array, before: number, limit: number): StoredToken[] {
    return this.#sql.byDigest.all(digest, before, organisation, limit).flatMap((row) => toToken(row) ?? []);
  }

  /** How many there are, within a few: rows are numbered as they come, and forgotten from the first on. */
  count(): number {
    const { first, last } = this.bounds();
    return last === 0 ? 0 : last - first + 1;
  }

  /** First and last row; 0 for none. */
  bounds(): { readonly first: number; readonly last: number } {
    const { first, last } = this.#sql.bounds.get() ?? { first: 0, last: 0 };
    return { first: first ?? 0, last: last ?? 0 };
  }

  /** Forgets what was stamped before `time`, up to `limit` of the oldest. Returns how many it was. */
  forgetBefore(time: Date, limit: number): number {
    return this.#sql.forget.run(limit, time.getTime()).changes;
  }
}

function toToken(row: Row | undefined): StoredToken | undefined {
  if (row === undefined) return undefined;
  return {
    ...{ token: row.token, organisation: row.organisation, serial: row.serial, hash: row.hash_algorithm },
    ...{ digest: row.digest, policy: row.policy_oid, unitKey: row.unit_key, genTime: new Date(row.gen_time) },
    ...{ evidenceId: row.evidence_id, tstInfoDer: row.tst_info, signedAttributesDer: row.signed_attributes },
    signature: row.signature,
    certificates: CERTIFICATES_IN_TOKEN[row.certificates] ?? "none",
  };
}
