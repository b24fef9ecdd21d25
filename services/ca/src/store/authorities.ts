import type { Database } from "@vcc-pki/store";
import type { KeyAlgorithmId } from "@vcc-pki/x509";

export type AuthorityState = "pending" | "active" | "revoked" | "refused";

export interface NameConstraints {
  readonly permittedDns: readonly string[];
  readonly excludedDns: readonly string[];
}

/** What an authority is asked to be. */
export interface AuthorityPlan {
  readonly organisation: string;
  readonly authorityId: string;
  /** undefined: a root. */
  readonly parentId: string | undefined;
  readonly commonName: string;
  readonly keyAlgorithm: KeyAlgorithmId;
  readonly validityDays: number;
  /** Profiles it may issue. */
  readonly profiles: readonly string[];
  /** undefined: unlimited. */
  readonly pathLength: number | undefined;
  readonly nameConstraints: NameConstraints | undefined;
  /** Custodians whose approval each signature needs. */
  readonly quorumThreshold: number;
}

/** An authority in any state: the plan, who asked, and how far it has come. */
export interface Authority extends AuthorityPlan {
  readonly state: AuthorityState;
  readonly requestId: string;
  /** Names this attempt towards the hsm-gateway. */
  readonly attemptId: string;
  readonly caller: string;
  readonly requester: string;
  readonly createdAt: Date;
  /** From here on: set once the key exists. */
  readonly keyId?: string;
  readonly spkiDer?: Uint8Array;
  readonly token?: string;
  /** Set once the certificate is about to be signed. */
  readonly serial?: Uint8Array;
  readonly tbsDer?: Uint8Array;
  /** While custodians are asked. */
  readonly approvalId?: string;
  readonly refusalCode?: string;
  /** Set once it is active. */
  readonly certificateDer?: Uint8Array;
  readonly notBefore?: Date;
  readonly notAfter?: Date;
}

interface Row {
  organisation: string;
  authority_id: string;
  parent_id: string | null;
  state: AuthorityState;
  request_id: string;
  attempt_id: string;
  caller: string;
  requester: string;
  common_name: string;
  key_algorithm: KeyAlgorithmId;
  validity_days: number;
  profiles: string;
  path_length: number | null;
  name_constraints: string | null;
  quorum_threshold: number;
  key_id: string | null;
  spki_der: Buffer | null;
  token: string | null;
  serial: Buffer | null;
  tbs_der: Buffer | null;
  approval_id: string | null;
  refusal_code: string | null;
  certificate_der: Buffer | null;
  not_before: number | null;
  not_after: number | null;
  created_at: number;
}

const COLUMNS = [
  ...["organisation", "authority_id", "parent_id", "state", "request_id", "attempt_id", "caller", "requester"],
  ...[
    "common_name",
    "key_algorithm",
    "validity_days",
    "profiles",
    "path_length",
    "name_constraints",
    "quorum_threshold",
  ],
  ...["key_id", "spki_der", "token", "serial", "tbs_der", "approval_id", "refusal_code", "certificate_der"],
  ...["not_before", "not_after", "created_at"],
] as const;

/** Certificate authorities. Everything that writes belongs inside `store.write`. */
export class AuthorityTable {
  readonly #sql;
  /** Grants that have been read: every request asks, and none is ever withdrawn. */
  readonly #granted = new Set<string>();

  constructor(db: Database) {
    this.#sql = prepare(db);
  }

  /** Stores an authority as it stands now, new or changed. */
  put(authority: Authority): void {
    this.#sql.put.run(toRow(authority));
  }

  find(authorityId: string): Authority | undefined {
    const row = this.#sql.find.get(authorityId);
    return row && toAuthority(row);
  }

  all(): Authority[] {
    return this.#sql.all.all().map(toAuthority);
  }

  grantUse(authorityId: string, organisation: string, grantedBy: string, now: Date): void {
    this.#sql.grantUse.run(organisation, authorityId, grantedBy, now.getTime());
  }

  /** Whether the organisation may obtain certificates from an authority of another one. */
  mayUse(authorityId: string, organisation: string): boolean {
    const name = `${organisation} ${authorityId}`;
    if (!this.#granted.has(name) && this.#sql.mayUse.get(organisation, authorityId) === 1) this.#granted.add(name);
    return this.#granted.has(name);
  }
}

function prepare(db: Database) {
  const changes = COLUMNS.map((column) => `${column} = excluded.${column}`).join(", ");
  return {
    put: db.prepare(
      `INSERT INTO authorities (${COLUMNS.join(", ")}) VALUES (${COLUMNS.map((column) => `:${column}`).join(", ")})
       ON CONFLICT (organisation, authority_id) DO UPDATE SET ${changes}`,
    ),
    find: db.prepare<[string], Row>(`SELECT ${COLUMNS.join(", ")} FROM authorities WHERE authority_id = ?`),
    all: db.prepare<[], Row>(`SELECT ${COLUMNS.join(", ")} FROM authorities ORDER BY created_at, authority_id`),
    grantUse: db.prepare(
      "INSERT OR IGNORE INTO authority_users (organisation, authority_id, granted_by, granted_at) VALUES (?, ?, ?, ?)",
    ),
    mayUse: db
      .prepare<[string, string], 1>("SELECT 1 FROM authority_users WHERE organisation = ? AND authority_id = ?")
      .pluck(),
  };
}

function toRow(authority: Authority): Row {
  return {
    organisation: authority.organisation,
    authority_id: authority.authorityId,
    parent_id: authority.parentId ?? null,
    state: authority.state,
    request_id: authority.requestId,
    attempt_id: authority.attemptId,
    caller: authority.caller,
    requester: authority.requester,
    common_name: authority.commonName,
    key_algorithm: authority.keyAlgorithm,
    validity_days: authority.validityDays,
    profiles: JSON.stringify(authority.profiles),
    path_length: authority.pathLength ?? null,
    name_constraints: authority.nameConstraints === undefined ? null : JSON.stringify(authority.nameConstraints),
    quorum_threshold: authority.quorumThreshold,
    key_id: authority.keyId ?? null,
    spki_der: blob(authority.spkiDer),
    token: authority.token ?? null,
    serial: blob(authority.serial),
    tbs_der: blob(authority.tbsDer),
    approval_id: authority.approvalId ?? null,
    refusal_code: authority.refusalCode ?? null,
    certificate_der: blob(authority.certificateDer),
    not_before: authority.notBefore?.getTime() ?? null,
    not_after: authority.notAfter?.getTime() ?? null,
    created_at: authority.createdAt.getTime(),
  };
}

function toAuthority(row: Row): Authority {
  return {
    organisation: row.organisation,
    authorityId: row.authority_id,
    parentId: row.parent_id ?? undefined,
    state: row.state,
    requestId: row.request_id,
    attemptId: row.attempt_id,
    caller: row.caller,
    requester: row.requester,
    commonName: row.common_name,
    keyAlgorithm: row.key_algorithm,
    validityDays: row.validity_days,
    profiles: JSON.parse(row.profiles),
    pathLength: row.path_length ?? undefined,
    nameConstraints: row.name_constraints === null ? undefined : JSON.parse(row.name_constraints),
    quorumThreshold: row.quorum_threshold,
    keyId: row.key_id ?? undefined,
    spkiDer: row.spki_der ?? undefined,
    token: row.token ?? undefined,
    serial: row.serial ?? undefined,
    tbsDer: row.tbs_der ?? undefined,
    approvalId: row.approval_id ?? undefined,
    refusalCode: row.refusal_code ?? undefined,
    certificateDer: row.certificate_der ?? undefined,
    notBefore: row.not_before === null ? undefined : new Date(row.not_before),
    notAfter: row.not_after === null ? undefined : new Date(row.not_after),
    createdAt: new Date(row.created_at),
  };
}

const blob = (bytes: Uint8Array | undefined): Buffer | null =>
  bytes === undefined ? null : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
