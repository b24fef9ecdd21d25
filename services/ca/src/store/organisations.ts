import type { Database } from "@vcc-pki/store";

export type IsolationLevel = "strict" | "collaborative" | "federated";
export type DataSharingLevel = "none" | "metadata_only" | "full";

/** A tenant. */
export interface Organisation {
  readonly organisation: string;
  readonly name: string;
  readonly isolationLevel: IsolationLevel;
  /** Exact DNS names, or "*.suffix" for every name below the suffix. */
  readonly allowedNames: readonly string[];
  /** Networks in CIDR notation whose addresses may stand in certificates. */
  readonly allowedNetworks: readonly string[];
  readonly adminContact: string;
  readonly createdAt: Date;
  readonly isolationPolicy: {
    readonly serviceAccessMatrix: Readonly<Record<string, readonly string[]>>;
    readonly dataSharingLevel: DataSharingLevel;
    readonly crossTenantAuth: boolean;
  };
}

/** A person of another organisation who may administer this one. */
export interface Membership {
  readonly organisation: string;
  /** SPIFFE URI. */
  readonly identity: string;
  readonly grantedBy: string;
  readonly grantedAt: Date;
  readonly expiresAt: Date | undefined;
}

interface OrganisationRow {
  organisation: string;
  name: string;
  isolation_level: IsolationLevel;
  allowed_names: string;
  allowed_networks: string;
  admin_contact: string;
  created_at: number;
  service_access_matrix: string;
  data_sharing_level: DataSharingLevel;
  cross_tenant_auth: number;
}

interface MembershipRow {
  organisation: string;
  identity: string;
  granted_by: string;
  granted_at: number;
  expires_at: number | null;
}

/** Tenants, and who of other tenants may administer them. Everything that writes belongs inside `store.write`. What was found is
 *  remembered until it is written again: every request asks. */
export class OrganisationTable {
  readonly #sql;
  readonly #organisations = new Map<string, Organisation>();
  readonly #memberships = new Map<string, Membership>();

  constructor(db: Database) {
    this.#sql = prepare(db);
  }

  insert({ isolationPolicy, ...organisation }: Organisation): void {
    this.#sql.insert.run(
      organisation.organisation,
      organisation.name,
      organisation.isolationLevel,
      JSON.stringify(organisation.allowedNames),
      JSON.stringify(organisation.allowedNetworks),
      organisation.adminContact,
      organisation.createdAt.getTime(),
    );
    this.#sql.insertPolicy.run(
      organisation.organisation,
      JSON.stringify(isolationPolicy.serviceAccessMatrix),
      isolationPolicy.dataSharingLevel,
      isolationPolicy.crossTenantAuth ? 1 : 0,
    );
  }

  find(organisation: string): Organisation | undefined {
    const known = this.#organisations.get(organisation);
    if (known) return known;
    const row = this.#sql.find.get(organisation);
    const found = row && toOrganisation(row);
    if (found) this.#organisations.set(organisation, found);
    return found;
  }

  all(): Organisation[] {
    return this.#sql.all.all().map(toOrganisation);
  }

  putMembership({ organisation, identity, grantedBy, grantedAt, expiresAt }: Membership): void {
    this.#sql.putMembership.run(organisation, identity, grantedBy, grantedAt.getTime(), expiresAt?.getTime() ?? null);
    this.#memberships.delete(`${organisation} ${identity}`);
  }

  deleteMembership(organisation: string, identity: string): boolean {
    this.#memberships.delete(`${organisation} ${identity}`);
    return this.#sql.deleteMembership.run(organisation, identity).changes === 1;
  }

  findMembership(organisation: string, identity: string): Membership | undefined {
    const name = `${organisation} ${identity}`;
    const known = this.#memberships.get(name);
    if (known) return known;
    const row = this.#sql.findMembership.get(organisation, identity);
    const found = row && toMembership(row);
    if (found) this.#memberships.set(name, found);
    return found;
  }

  /** Organisations of which `identity` is a member at `now`. */
  membershipsOf(identity: string, now: Date): string[] {
    return this.#sql.membershipsOf.all(identity, now.getTime());
  }
}

const ORGANISATION = `SELECT o.organisation, o.name, o.isolation_level, o.allowed_names, o.allowed_networks, o.admin_contact,
  o.created_at, p.service_access_matrix, p.data_sharing_level, p.cross_tenant_auth
  FROM organisations o JOIN tenant_isolation_policies p ON p.organisation = o.organisation`;

function prepare(db: Database) {
  return {
    insert: db.prepare(
      `INSERT INTO organisations
         (organisation, name, isolation_level, allowed_names, allowed_networks, admin_contact, created_at)
       VALUES (?, ?, ?, ?, ?, ?, ?)`,
    ),
    insertPolicy: db.prepare(
      `INSERT INTO tenant_isolation_policies (organisation, service_access_matrix, data_sharing_level, cross_tenant_auth)
       VALUES (?, ?, ?, ?)`,
    ),
    find: db.prepare<[string], OrganisationRow>(`${ORGANISATION} WHERE o.organisation = ?`),
    all: db.prepare<[], OrganisationRow>(`${ORGANISATION} ORDER BY o.organisation`),
    putMembership: db.prepare(
      `INSERT INTO memberships (organisation, identity, granted_by, granted_at, expires_at) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET granted_by = excluded.granted_by, granted_at = excluded.granted_at,
         expires_at = excluded.expires_at`,
    ),
    deleteMembership: db.prepare("DELETE FROM memberships WHERE organisation = ? AND identity = ?"),
    findMembership: db.prepare<[string, string], MembershipRow>(
      `SELECT organisation, identity, granted_by, granted_at, expires_at FROM memberships
       WHERE organisation = ? AND identity = ?`,
    ),
    membershipsOf: db
      .prepare<[string, number], string>(
        `SELECT organisation FROM memberships WHERE identity = ? AND (expires_at IS NULL OR expires_at > ?)
         ORDER BY organisation`,
      )
      .pluck(),
  };
}

function toOrganisation(row: OrganisationRow): Organisation {
  return {
    organisation: row.organisation,
    name: row.name,
    isolationLevel: row.isolation_level,
    allowedNames: JSON.parse(row.allowed_names),
    allowedNetworks: JSON.parse(row.allowed_networks),
    adminContact: row.admin_contact,
    createdAt: new Date(row.created_at),
    isolationPolicy: {
      serviceAccessMatrix: JSON.parse(row.service_access_matrix),
      dataSharingLevel: row.data_sharing_level,
      crossTenantAuth: row.cross_tenant_auth === 1,
    },
  };
}

function toMembership(row: MembershipRow): Membership {
  return {
    organisation: row.organisation,
    identity: row.identity,
    grantedBy: row.granted_by,
    grantedAt: new Date(row.granted_at),
    expiresAt: row.expires_at === null ? undefined : new Date(row.expires_at),
  };
}
