import type { Store } from "@vcc-pki/store";

export type OperationName = "sign" | "destroy-key" | "replace-custodians";
export type ApprovalStateName = "pending" | "executed" | "refused" | "expired";
export type DecisionName = "approve" | "refuse";

/** What somebody wants done that custodians have to agree to. */
export interface Operation {
  readonly operation: OperationName;
  /** "" where no organisation owns what is changed. */
  readonly organisation: string;
  /** "" where no key is meant. */
  readonly keyId: string;
  readonly signatureAlgorithm: string;
  /** What `payload` is: a type of PAYLOAD_TYPES, "subject-public-key-info" of the key to destroy, "custodians". */
  readonly payloadType: string;
  readonly payload: Uint8Array;
  /** Distinct custodians that must approve. */
  readonly threshold: number;
}

/** Who asks, and by which request. */
export interface Asker {
  /** SPIFFE URIs. */
  readonly caller: string;
  readonly requester: string;
  readonly requestId: string;
}

export interface ApprovalRecord extends Operation, Asker {
  readonly approvalId: string;
  readonly nonce: string;
  /** RFC 8785 JSON, what custodians sign. */
  readonly canonicalRequest: Uint8Array;
  readonly state: ApprovalStateName;
  readonly createdAt: Date;
  readonly expiresAt: Date;
}

export interface DecisionRecord {
  readonly custodianId: string;
  readonly decision: DecisionName;
  readonly signature: Uint8Array;
  readonly decidedAt: Date;
}

interface Row {
  approval_id: string;
  operation: OperationName;
  organisation: string;
  key_id: string;
  signature_algorithm: string;
  payload_type: string;
  payload: Buffer;
  caller: string;
  requester: string;
  request_id: string;
  threshold: number;
  nonce: string;
  canonical_request: Buffer;
  state: ApprovalStateName;
  created_at: number;
  expires_at: number;
}

interface DecisionRow {
  custodian_id: string;
  decision: DecisionName;
  signature: Buffer;
  decided_at: number;
}

/** The tables `approvals` and `decisions`. Methods that write belong inside `store.write`. */
export class ApprovalStore {
  readonly #sql;

  constructor(store: Store) {
    this.#sql = prepare(store.db);
  }

  find(approvalId: string): ApprovalRecord | undefined {
    const row = this.#sql.byId.get(approvalId);
    return row && toRecord(row);
  }

  findByRequest(operation: OperationName, { caller, requestId }: Asker): ApprovalRecord | undefined {
    const row = this.#sql.byRequest.get(caller, operation, requestId);
    return row && toRecord(row);
  }

  /** Newest first. */
  list(limit: number): ApprovalRecord[] {
    return this.#sql.list.all(limit).map(toRecord);
  }

  pending(): ApprovalRecord[] {
    return this.#sql.pending.all().map(toRecord);
  }

  decisions(approvalId: string): DecisionRecord[] {
    return this.#sql.decisions.all(approvalId).map((row) => ({
      ...{ custodianId: row.custodian_id, decision: row.decision, signature: row.signature },
      decidedAt: new Date(row.decided_at),
    }));
  }

  insert(record: ApprovalRecord): void {
    const { operation, organisation, payload, caller, requester, threshold, nonce, state } = record;
    this.#sql.insert.run({
      ...{ operation, organisation, payload, caller, requester, threshold, nonce, state },
      ...{ approval_id: record.approvalId, key_id: record.keyId, signature_algorithm: record.signatureAlgorithm },
      ...{ payload_type: record.payloadType, request_id: record.requestId, canonical_request: record.canonicalRequest },
      ...{ created_at: record.createdAt.getTime(), expires_at: record.expiresAt.getTime() },
    });
  }

  insertDecision(approvalId: string, { custodianId, decision, signature, decidedAt }: DecisionRecord): void {
    this.#sql.insertDecision.run(approvalId, custodianId, decision, signature, decidedAt.getTime());
  }

  /** Ends a pending approval, once. */
  close(approvalId: string, state: Exclude<ApprovalStateName, "pending">): void {
    if (this.#sql.close.run(state, approvalId).changes !== 1) throw new Error("the approval is not pending any more");
  }
}

function toRecord(row: Row): ApprovalRecord {
  const { operation, organisation, payload, caller, requester, threshold, nonce, state } = row;
  return {
    ...{ operation, organisation, payload, caller, requester, threshold, nonce, state },
    ...{ approvalId: row.approval_id, keyId: row.key_id, signatureAlgorithm: row.signature_algorithm },
    ...{ payloadType: row.payload_type, requestId: row.request_id, canonicalRequest: row.canonical_request },
    ...{ createdAt: new Date(row.created_at), expiresAt: new Date(row.expires_at) },
  };
}

const COLUMNS = `approval_id, operation, organisation, key_id, signature_algorithm, payload_type, payload, caller, requester,
  request_id, threshold, nonce, canonical_request, state, created_at, expires_at`;

function prepare(db: Store["db"]) {
  return {
    insert: db.prepare(
      `INSERT INTO approvals (${COLUMNS}) VALUES (:approval_id, :operation, :organisation, :key_id, :signature_algorithm,
       :payload_type, :payload, :caller, :requester, :request_id, :threshold, :nonce, :canonical_request, :state, :created_at,
       :expires_at)`,
    ),
    byId: db.prepare<[string], Row>(`SELECT ${COLUMNS} FROM approvals WHERE approval_id = ?`),
    byRequest: db.prepare<[string, string, string], Row>(
      `SELECT ${COLUMNS} FROM approvals WHERE caller = ? AND operation = ? AND request_id = ?`,
    ),
    list: db.prepare<[number], Row>(
      `SELECT ${COLUMNS} FROM approvals ORDER BY created_at DESC, approval_id DESC LIMIT ?`,
    ),
    pending: db.prepare<[], Row>(`SELECT ${COLUMNS} FROM approvals WHERE state = 'pending' ORDER BY created_at`),
    close: db.prepare<[string, string]>("UPDATE approvals SET state = ? WHERE approval_id = ? AND state = 'pending'"),
    decisions: db.prepare<[string], DecisionRow>(
      `SELECT custodian_id, decision, signature, decided_at FROM decisions WHERE approval_id = ?
       ORDER BY decided_at, custodian_id`,
    ),
    insertDecision: db.prepare<[string, string, string, Uint8Array, number]>(
      "INSERT INTO decisions (approval_id, custodian_id, decision, signature, decided_at) VALUES (?, ?, ?, ?, ?)",
    ),
  };
}
