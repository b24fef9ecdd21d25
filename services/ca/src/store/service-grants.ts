import type { Database } from "@vcc-pki/store";

/** What the discovery service may obtain a certificate for. */
export interface ServiceGrant {
  /** UUIDv7: in the order of their making. */
  readonly grantId: string;
  readonly organisation: string;
  readonly service: string;
  readonly profile: string;
  /** In lower case. */
  readonly dnsNames: readonly string[];
  readonly ipAddresses: readonly string[];
  /** SPIFFE URI. */
  readonly grantedBy: string;
  readonly grantedAt: Date;
  /** undefined: until it is withdrawn. */
  readonly expiresAt: Date | undefined;
  readonly withdrawnAt: Date | undefined;
}

interface Row {
  grant_id: string;
  organisation: string;
  service: string;
  profile: string;
  dns_names: string;
  ip_addresses: string;
  granted_by: string;
  granted_at: number;
  expires_at: number | null;
  withdrawn_at: number | null;
}

const COLUMNS = `grant_id, organisation, service, profile, dns_names, ip_addresses, granted_by, granted_at, expires_at, withdrawn_at`;
const IN_FORCE = "withdrawn_at IS NULL AND (expires_at IS NULL OR expires_at > @now)";

/** What writes belongs inside `store.write`. */
export class ServiceGrantTable {
  readonly #sql;

  constructor(db: Database) {
    this.#sql = {
      insert: db.prepare(
        `INSERT INTO service_grants (${COLUMNS}) VALUES (@grantId, @organisation, @service, @profile, @dnsNames, @ipAddresses, @grantedBy,
           @grantedAt, @expiresAt, NULL)`,
      ),
      list: db.prepare<{ organisation: string; service: string; limit: number }, Row>(
        `SELECT ${COLUMNS} FROM service_grants WHERE organisation = @organisation AND (@service = '' OR service = @service)
         ORDER BY grant_id DESC LIMIT @limit`,
      ),
      inForce: db.prepare<{ organisation: string; service: string; now: number }, Row>(
        `SELECT ${COLUMNS} FROM service_grants WHERE organisation = @organisation AND service = @service AND ${IN_FORCE}`,
      ),
      withdraw: db.prepare(
        `UPDATE service_grants SET withdrawn_at = @now
         WHERE organisation = @organisation AND service = @service AND (@grantId = '' OR grant_id = @grantId) AND ${IN_FORCE}`,
      ),
    };
  }

  insert({ dnsNames, ipAddresses, grantedAt, expiresAt, withdrawnAt, ...grant }: ServiceGrant): void {
    this.#sql.insert.run({
      ...grant,
      dnsNames: JSON.stringify(dnsNames),
      ipAddresses: JSON.stringify(ipAddresses),
      grantedAt: grantedAt.getTime(),
      expiresAt: expiresAt?.getTime() ?? null,
    });
  }

  /** In force or not, the newest first. `service` "": of all. */
  list(organisation: string, service: string, limit: number): ServiceGrant[] {
    return this.#sql.list.all({ organisation, service, limit }).map(toGrant);
  }

  inForce(organisation: string, service: string, now: Date): ServiceGrant[] {
    return this.#sql.inForce.all({ organisation, service, now: now.getTime() }).map(toGrant);
  }

  /** One of the service's, or with `grantId` "" all, as far as they are in force. Returns how many. */
  withdraw(organisation: string, service: string, grantId: string, now: Date): number {
    return this.#sql.withdraw.run({ organisation, service, grantId, now: now.getTime() }).changes;
  }
}

const toGrant = (row: Row): ServiceGrant => ({
  ...{ grantId: row.grant_id, organisation: row.organisation, service: row.service, profile: row.profile },
  dnsNames: JSON.parse(row.dns_names),
  ipAddresses: JSON.parse(row.ip_addresses),
  ...{ grantedBy: row.granted_by, grantedAt: new Date(row.granted_at) },
  expiresAt: row.expires_at === null ? undefined : new Date(row.expires_at),
  withdrawnAt: row.withdrawn_at === null ? undefined : new Date(row.withdrawn_at),
});
