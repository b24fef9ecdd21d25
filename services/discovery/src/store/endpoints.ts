import type { Database } from "@vcc-pki/store";
import type { CertificateRecord, EndpointChange, EndpointRecord } from "../inventory/endpoint.ts";
import type { Verdict } from "../probe/verdict.ts";

interface Row {
  organisation: string;
  endpoint: string;
  service: string;
  source: EndpointRecord["source"];
  verdict: Verdict;
  reason: EndpointRecord["reason"];
  detail: string;
  is_ours: number;
  address: string;
  tls_version: string;
  cipher: string;
  stapled_ocsp: EndpointRecord["stapledOcsp"];
  fingerprint: string | null;
  chain: string;
  not_after: number | null;
  health: EndpointRecord["health"];
  health_reason: string;
  failures: number;
  first_seen_at: number;
  last_seen_at: number;
  probed_at: number;
  changed_at: number;
}

const COLUMNS = [
  ...[
    "organisation",
    "endpoint",
    "service",
    "source",
    "verdict",
    "reason",
    "detail",
    "is_ours",
    "address",
    "tls_version",
  ],
  ...["cipher", "stapled_ocsp", "fingerprint", "chain", "not_after", "health", "health_reason", "failures"],
  ...["first_seen_at", "last_seen_at", "probed_at", "changed_at"],
];

/** Of an endpoint; older ones are forgotten. */
export const MAX_CHANGES = 1_000;

export interface EndpointFilter {
  readonly organisation: string;
  /** "": any. */
  readonly verdict: Verdict | "";
  /** "": any. */
  readonly service: string;
  /** undefined: any, also those without certificate. */
  readonly expiresBefore: Date | undefined;
}

/** Endpoints as they were last seen, and what has changed at each. What writes belongs inside `store.write`. */
export class EndpointTable {
  readonly #sql;

  constructor(db: Database) {
    const select = `SELECT ${COLUMNS.join(", ")} FROM inventory_endpoints`;
    this.#sql = {
      put: db.prepare(
        `INSERT OR REPLACE INTO inventory_endpoints (${COLUMNS.join(", ")}) VALUES (${COLUMNS.map((name) => `@${name}`).join(", ")})`,
      ),
      find: db.prepare<[string, string], Row>(`${select} WHERE organisation = ? AND endpoint = ?`),
      page: db.prepare<object, Row>(
        `${select} WHERE organisation = @organisation AND endpoint > @after AND (@verdict = '' OR verdict = @verdict)
           AND (@service = '' OR service = @service) AND (@before IS NULL OR not_after < @before)
         ORDER BY endpoint LIMIT @limit`,
      ),
      change: db.prepare(
        `INSERT INTO inventory_changes (organisation, endpoint, from_verdict, to_verdict, reason, fingerprint, at)
         VALUES (?, ?, ?, ?, ?, ?, ?)`,
      ),
      forget: db.prepare(
        `DELETE FROM inventory_changes WHERE organisation = @organisation AND endpoint = @endpoint AND change_id <=
           (SELECT change_id FROM inventory_changes WHERE organisation = @organisation AND endpoint = @endpoint
            ORDER BY change_id DESC LIMIT 1 OFFSET @kept)`,
      ),
      changes: db.prepare<
        [string, string, number],
        { from_verdict: Verdict | null; to_verdict: Verdict; reason: string; fingerprint: string | null; at: number }
      >(
        `SELECT from_verdict, to_verdict, reason, fingerprint, at FROM inventory_changes
         WHERE organisation = ? AND endpoint = ? ORDER BY change_id DESC LIMIT ?`,
      ),
    };
  }

  put(record: EndpointRecord): void {
    this.#sql.put.run(toRow(record));
  }

  find(organisation: string, endpoint: string): EndpointRecord | undefined {
    const row = this.#sql.find.get(organisation, endpoint);
    return row && toRecord(row);
  }

  /** In the order of their names, those after `after`. */
  page({ expiresBefore, ...filter }: EndpointFilter, after: string, limit: number): EndpointRecord[] {
    return this.#sql.page.all({ ...filter, before: expiresBefore?.getTime() ?? null, after, limit }).map(toRecord);
  }

  insertChange(
    { organisation, endpoint }: EndpointRecord,
    { at, from, to, reason, fingerprint }: EndpointChange,
  ): void {
    this.#sql.change.run(organisation, endpoint, from ?? null, to, reason, fingerprint ?? null, at.getTime());
    this.#sql.forget.run({ organisation, endpoint, kept: MAX_CHANGES });
  }

  /** The newest first. */
  changes(organisation: string, endpoint: string, limit: number): EndpointChange[] {
    return this.#sql.changes.all(organisation, endpoint, limit).map((row) => ({
      ...{ at: new Date(row.at), from: row.from_verdict ?? undefined, to: row.to_verdict, reason: row.reason },
      fingerprint: row.fingerprint ?? undefined,
    }));
  }
}

interface CertificateRow {
  fingerprint: string;
  der: Buffer;
  subject: string;
  issuer: string;
  serial_hex: string;
  not_before: number;
  not_after: number;
  key_algorithm: string;
  signature_algorithm: string;
  dns_names: string;
  ip_addresses: string;
  uris: string;
  first_seen_at: number;
  last_seen_at: number;
}

/** Certificates that were served, each once, wherever. */
export class ServedCertificateTable {
  readonly #sql;

  constructor(db: Database) {
    this.#sql = {
      put: db.prepare(
        `INSERT INTO inventory_certificates
           (fingerprint, der, subject, issuer, serial_hex, not_before, not_after, key_algorithm, signature_algorithm,
            dns_names, ip_addresses, uris, first_seen_at, last_seen_at)
         VALUES (@fingerprint, @der, @subject, @issuer, @serial_hex, @not_before, @not_after, @key_algorithm,
            @signature_algorithm, @dns_names, @ip_addresses, @uris, @first_seen_at, @last_seen_at)
         ON CONFLICT (fingerprint) DO UPDATE SET last_seen_at = max(last_seen_at, excluded.last_seen_at)`,
      ),
      forget: db.prepare(
        `DELETE FROM inventory_certificates WHERE last_seen_at < ? AND fingerprint NOT IN
           (SELECT value FROM inventory_endpoints, json_each(chain))`,
      ),
      find: db.prepare<[string], CertificateRow>(
        `SELECT fingerprint, der, subject, issuer, serial_hex, not_before, not_after, key_algorithm, signature_algorithm,
           dns_names, ip_addresses, uris, first_seen_at, last_seen_at FROM inventory_certificates WHERE fingerprint = ?`,
      ),
    };
  }

  /** One that is known keeps when it was first seen. */
  put(record: CertificateRecord): void {
    this.#sql.put.run({
      ...{ fingerprint: record.fingerprint, der: record.der, subject: record.subject, issuer: record.issuer },
      ...{ serial_hex: record.serialHex, not_before: record.notBefore.getTime(), not_after: record.notAfter.getTime() },
      ...{ key_algorithm: record.keyAlgorithm, signature_algorithm: record.signatureAlgorithm },
      ...{ dns_names: JSON.stringify(record.dnsNames), ip_addresses: JSON.stringify(record.ipAddresses) },
      uris: JSON.stringify(record.uris),
      ...{ first_seen_at: record.firstSeenAt.getTime(), last_seen_at: record.lastSeenAt.getTime() },
    });
  }

  /** Those that nobody has served since `before`. Returns how many. */
  forget(before: Date): number {
    return this.#sql.forget.run(before.getTime()).changes;
  }

  find(fingerprint: string): CertificateRecord | undefined {
    const row = this.#sql.find.get(fingerprint);
    return (
      row && {
        ...{ fingerprint, der: new Uint8Array(row.der), subject: row.subject, issuer: row.issuer },
        ...{ serialHex: row.serial_hex, keyAlgorithm: row.key_algorithm, signatureAlgorithm: row.signature_algorithm },
        ...{ notBefore: new Date(row.not_before), notAfter: new Date(row.not_after) },
        ...{
          dnsNames: JSON.parse(row.dns_names),
          ipAddresses: JSON.parse(row.ip_addresses),
          uris: JSON.parse(row.uris),
        },
        ...{ firstSeenAt: new Date(row.first_seen_at), lastSeenAt: new Date(row.last_seen_at) },
      }
    );
  }
}

const toRow = (record: EndpointRecord): Row => ({
  ...{ organisation: record.organisation, endpoint: record.endpoint, service: record.service, source: record.source },
  ...{ verdict: record.verdict, reason: record.reason, detail: record.detail, is_ours: record.isOurs ? 1 : 0 },
  ...{ address: record.address, tls_version: record.tlsVersion, cipher: record.cipher },
  ...{ stapled_ocsp: record.stapledOcsp, fingerprint: record.chain[0] ?? null, chain: JSON.stringify(record.chain) },
  ...{ not_after: record.notAfter?.getTime() ?? null, health: record.health, health_reason: record.healthReason },
  ...{ failures: record.failures, first_seen_at: record.firstSeenAt.getTime() },
  ...{ last_seen_at: record.lastSeenAt.getTime(), probed_at: record.probedAt.getTime() },
  changed_at: record.changedAt.getTime(),
});

const toRecord = (row: Row): EndpointRecord => ({
  ...{ organisation: row.organisation, endpoint: row.endpoint, service: row.service, source: row.source },
  ...{ verdict: row.verdict, reason: row.reason, detail: row.detail, isOurs: row.is_ours === 1 },
  ...{ address: row.address, tlsVersion: row.tls_version, cipher: row.cipher, stapledOcsp: row.stapled_ocsp },
  ...{ chain: JSON.parse(row.chain), notAfter: row.not_after === null ? undefined : new Date(row.not_after) },
  ...{ health: row.health, healthReason: row.health_reason, failures: row.failures },
  ...{ firstSeenAt: new Date(row.first_seen_at), lastSeenAt: new Date(row.last_seen_at) },
  ...{ probedAt: new Date(row.probed_at), changedAt: new Date(row.changed_at) },
});
