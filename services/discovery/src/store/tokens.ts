import type { Database } from "@vcc-pki/store";
import type { ServiceKey } from "../service-record.ts";

/** An enrolment token, without what proves it. */
export interface Token extends ServiceKey {
  readonly tokenId: string;
  readonly dnsNames: readonly string[];
  readonly ipAddresses: readonly string[];
  readonly profile: string;
  /** CIDR; "": anywhere. */
  readonly network: string;
  readonly spkiSha256: Uint8Array | undefined;
  readonly secretSha256: Uint8Array;
  /** SPIFFE URI. */
  readonly createdBy: string;
  readonly createdAt: Date;
  readonly expiresAt: Date;
  readonly revokedAt: Date | undefined;
  readonly usedAt: Date | undefined;
}

interface Row {
  organisation: string;
  token_id: string;
  service: string;
  dns_names: string;
  ip_addresses: string;
  profile: string;
  network: string;
  spki_sha256: Buffer | null;
  secret_sha256: Buffer;
  created_by: string;
  created_at: number;
  expires_at: number;
  revoked_at: number | null;
  used_at: number | null;
}

const COLUMNS = `organisation, token_id, service, dns_names, ip_addresses, profile, network, spki_sha256, secret_sha256, created_by, created_at,
  expires_at, revoked_at, used_at`;

/** What writes belongs inside `store.write`. */
export class TokenTable {
  readonly #sql;

  constructor(db: Database) {
    this.#sql = {
      insert: db.prepare(
        `INSERT INTO enrolment_tokens (${COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, NULL, NULL)`,
      ),
      find: db.prepare<[string], Row>(`SELECT ${COLUMNS} FROM enrolment_tokens WHERE token_id = ?`),
      list: db.prepare<{ organisation: string; service: string; limit: number }, Row>(
        `SELECT ${COLUMNS} FROM enrolment_tokens WHERE organisation = @organisation AND (@service = '' OR service = @service)
         ORDER BY created_at DESC, token_id LIMIT @limit`,
      ),
      use: db.prepare(
        `UPDATE enrolment_tokens SET used_at = @now
         WHERE token_id = @tokenId AND used_at IS NULL AND revoked_at IS NULL AND expires_at > @now`,
      ),
      revoke: db.prepare(
        "UPDATE enrolment_tokens SET revoked_at = ? WHERE organisation = ? AND token_id = ? AND revoked_at IS NULL",
      ),
      revokeUnused: db.prepare(
        `UPDATE enrolment_tokens SET revoked_at = ?
         WHERE organisation = ? AND service = ? AND revoked_at IS NULL AND used_at IS NULL`,
      ),
    };
  }

  insert(token: Token): void {
    this.#sql.insert.run(
      ...[token.organisation, token.tokenId, token.service],
      ...[JSON.stringify(token.dnsNames), JSON.stringify(token.ipAddresses), token.profile, token.network],
      ...[token.spkiSha256 ?? null, token.secretSha256, token.createdBy],
      ...[token.createdAt.getTime(), token.expiresAt.getTime()],
    );
  }

  /** Of any organisation: whoever shows a token belongs to its. */
  find(tokenId: string): Token | undefined {
    const row = this.#sql.find.get(tokenId);
    return row && toToken(row);
  }

  /** The newest first. `service` "": of all. */
  list(organisation: string, service: string, limit: number): Token[] {
    return this.#sql.list.all({ organisation, service, limit }).map(toToken);
  }

  /** Uses it up; false when somebody has, or it is over. */
  use(tokenId: string, now: Date): boolean {
    return this.#sql.use.run({ tokenId, now: now.getTime() }).changes === 1;
  }

  /** False when there is nothing to revoke. */
  revoke(organisation: string, tokenId: string, now: Date): boolean {
    return this.#sql.revoke.run(now.getTime(), organisation, tokenId).changes === 1;
  }

  revokeUnused({ organisation, service }: ServiceKey, now: Date): void {
    this.#sql.revokeUnused.run(now.getTime(), organisation, service);
  }
}

const toToken = (row: Row): Token => ({
  ...{ organisation: row.organisation, tokenId: row.token_id, service: row.service, profile: row.profile },
  ...{ dnsNames: JSON.parse(row.dns_names), ipAddresses: JSON.parse(row.ip_addresses), network: row.network },
  ...{ spkiSha256: row.spki_sha256 ?? undefined, secretSha256: row.secret_sha256, createdBy: row.created_by },
  ...{ createdAt: new Date(row.created_at), expiresAt: new Date(row.expires_at) },
  revokedAt: row.revoked_at === null ? undefined : new Date(row.revoked_at),
  usedAt: row.used_at === null ? undefined : new Date(row.used_at),
});
