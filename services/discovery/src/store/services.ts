import type { Database } from "@vcc-pki/store";
import type { ServiceKey, ServiceRecord } from "../service-record.ts";
import type { ServiceState } from "../states.ts";

interface Row {
  organisation: string;
  service: string;
  type: string;
  description: string;
  owner: string;
  endpoints: string;
  health_url: string;
  health_dialect: string;
  dns_names: string;
  ip_addresses: string;
  profile: string;
  depends_on: string;
  managed_by: string;
  state: ServiceState;
  state_reason: string;
  source: string;
  approved_by: string | null;
  approved_at: number | null;
  registered_at: number;
  changed_at: number;
  seen_at: number | null;
  version: number;
  certificate_id: string | null;
  cert_profile: string | null;
  not_before: number | null;
  not_after: number | null;
  served_at: number | null;
  revoked_at: number | null;
}

const COLUMNS = [
  ...["organisation", "service", "type", "description", "owner", "endpoints", "health_url", "health_dialect"],
  ...["dns_names", "ip_addresses", "profile", "depends_on", "managed_by", "state", "state_reason", "source"],
  ...["approved_by", "approved_at", "registered_at", "changed_at", "seen_at", "version"],
  ...["certificate_id", "cert_profile", "not_before", "not_after", "served_at", "revoked_at"],
];

export interface ServiceFilter {
  readonly organisation: string;
  /** "": any. */
  readonly state: ServiceState | "";
  /** "": any. */
  readonly type: string;
}

/** What writes belongs inside `store.write`. */
export class ServiceTable {
  readonly #sql;

  constructor(db: Database) {
    const select = `SELECT ${COLUMNS.join(", ")} FROM vcc_services`;
    this.#sql = {
      put: db.prepare(
        `INSERT OR REPLACE INTO vcc_services (${COLUMNS.join(", ")}) VALUES (${COLUMNS.map((name) => `@${name}`).join(", ")})`,
      ),
      find: db.prepare<[string, string], Row>(`${select} WHERE organisation = ? AND service = ?`),
      page: db.prepare<ServiceFilter & { after: string; limit: number }, Row>(
        `${select} WHERE organisation = @organisation AND service > @after AND (@state = '' OR state = @state)
           AND (@type = '' OR type = @type) ORDER BY service LIMIT @limit`,
      ),
      managedBy: db.prepare<[string, string], Row>(`${select} WHERE organisation = ? AND managed_by = ?`),
      byCertificate: db.prepare<[string, string], Row>(`${select} WHERE organisation = ? AND certificate_id = ?`),
      all: db.prepare<[], Row>(`${select} WHERE state <> 'inactive' ORDER BY organisation, service`),
      ended: db.prepare<[number, number], Row>(
        `${select} WHERE state IN ('active', 'unreachable') AND not_after <= ? ORDER BY not_after LIMIT ?`,
      ),
      seen: db.prepare("UPDATE vcc_services SET seen_at = ? WHERE organisation = ? AND service = ?"),
    };
  }

  put(record: ServiceRecord): void {
    this.#sql.put.run(toRow(record));
  }

  find({ organisation, service }: ServiceKey): ServiceRecord | undefined {
    const row = this.#sql.find.get(organisation, service);
    return row && toRecord(row);
  }

  /** In the order of their names, those after `after`. */
  page(filter: ServiceFilter, after: string, limit: number): ServiceRecord[] {
    return this.#sql.page.all({ ...filter, after, limit }).map(toRecord);
  }

  /** Services that the agent of another one looks after. */
  managedBy({ organisation, service }: ServiceKey): ServiceRecord[] {
    return this.#sql.managedBy.all(organisation, service).map(toRecord);
  }

  findByCertificate(organisation: string, certificateId: string): ServiceRecord | undefined {
    const row = this.#sql.byCertificate.get(organisation, certificateId);
    return row && toRecord(row);
  }

  /** Of every organisation, those that are not inactive. */
  all(): ServiceRecord[] {
    return this.#sql.all.all().map(toRecord);
  }

  /** Whose certificate has ended by `now`, the first to end first. */
  ended(now: Date, limit: number): ServiceRecord[] {
    return this.#sql.ended.all(now.getTime(), limit).map(toRecord);
  }

  setSeen({ organisation, service }: ServiceKey, at: Date): void {
    this.#sql.seen.run(at.getTime(), organisation, service);
  }
}

function toRow(record: ServiceRecord): Row {
  const { approval, certificate } = record;
  return {
    ...{ organisation: record.organisation, service: record.service, type: record.type },
    ...{ description: record.description, owner: record.owner, endpoints: JSON.stringify(record.endpoints) },
    ...{ health_url: record.healthUrl, health_dialect: record.healthDialect },
    ...{ dns_names: JSON.stringify(record.dnsNames), ip_addresses: JSON.stringify(record.ipAddresses) },
    ...{ profile: record.profile, depends_on: JSON.stringify(record.dependsOn), managed_by: record.managedBy },
    ...{ state: record.state, state_reason: record.stateReason, source: record.source, version: record.version },
    ...{ approved_by: approval?.by ?? null, approved_at: millis(approval?.at) },
    ...{ registered_at: record.registeredAt.getTime(), changed_at: record.changedAt.getTime() },
    seen_at: millis(record.seenAt),
    ...{ certificate_id: certificate?.certificateId ?? null, cert_profile: certificate?.profile ?? null },
    ...{ not_before: millis(certificate?.notBefore), not_after: millis(certificate?.notAfter) },
    ...{ served_at: millis(certificate?.servedAt), revoked_at: millis(certificate?.revokedAt) },
  };
}

const toRecord = (row: Row): ServiceRecord => ({
  ...{ organisation: row.organisation, service: row.service, type: row.type, description: row.description },
  ...{ owner: row.owner, endpoints: JSON.parse(row.endpoints), healthUrl: row.health_url },
  ...{ healthDialect: row.health_dialect, dnsNames: JSON.parse(row.dns_names) },
  ...{ ipAddresses: JSON.parse(row.ip_addresses), profile: row.profile, dependsOn: JSON.parse(row.depends_on) },
  ...{ managedBy: row.managed_by, state: row.state, stateReason: row.state_reason, source: row.source },
  approval:
    row.approved_by === null || row.approved_at === null
      ? undefined
      : { by: row.approved_by, at: new Date(row.approved_at) },
  certificate: toBinding(row),
  ...{ registeredAt: new Date(row.registered_at), changedAt: new Date(row.changed_at), version: row.version },
  seenAt: date(row.seen_at),
});

function toBinding(row: Row): ServiceRecord["certificate"] {
  const { certificate_id, cert_profile, not_before, not_after } = row;
  if (certificate_id === null || cert_profile === null || not_before === null || not_after === null) return undefined;
  return {
    ...{ certificateId: certificate_id, profile: cert_profile },
    ...{ notBefore: new Date(not_before), notAfter: new Date(not_after) },
    ...{ servedAt: date(row.served_at), revokedAt: date(row.revoked_at) },
  };
}

const date = (at: number | null): Date | undefined => (at === null ? undefined : new Date(at));
const millis = (at: Date | undefined): number | null => at?.getTime() ?? null;
