import type { Database } from "@vcc-pki/store";

/** One of our keys and how far its certificate has come. */
export interface StoredResponder {
  readonly responder: number;
  readonly issuer: number;
  readonly organisation: string;
  readonly requestId: string;
  readonly key: { readonly keyId: string; readonly spkiDer: Uint8Array } | undefined;
  /** Request id of the renewal, or first issuance, that is under way. */
  readonly renewalId: string | undefined;
  readonly issued: { readonly certificateDer: Uint8Array; readonly renewAt: Date; readonly notAfter: Date } | undefined;
  /** Since then it signs nothing any more. */
  readonly retiredAt: Date | undefined;
  readonly isDestroyed: boolean;
  readonly createdAt: Date;
}

interface Row {
  responder: number;
  issuer: number;
  organisation: string;
  request_id: string;
  key_id: string | null;
  spki_der: Buffer | null;
  renewal_id: string | null;
  certificate_der: Buffer | null;
  renew_at: number | null;
  not_after: number | null;
  retired_at: number | null;
  destroyed_at: number | null;
  created_at: number;
}

/** What writes belongs inside `store.write`. */
export class ResponderTable {
  readonly #sql;

  constructor(db: Database) {
    this.#sql = {
      all: db.prepare<[], Row>(
        `SELECT responder, issuer, organisation, request_id, key_id, spki_der, renewal_id, certificate_der, renew_at, not_after,
           retired_at, destroyed_at, created_at FROM responders ORDER BY responder`,
      ),
      insert: db.prepare("INSERT INTO responders (issuer, organisation, request_id, created_at) VALUES (?, ?, ?, ?)"),
      key: db.prepare("UPDATE responders SET key_id = ?, spki_der = ? WHERE responder = ?"),
      renewal: db.prepare("UPDATE responders SET renewal_id = ? WHERE responder = ?"),
      issued: db.prepare(
        "UPDATE responders SET certificate_der = ?, renew_at = ?, not_after = ?, renewal_id = NULL WHERE responder = ?",
      ),
      retire: db.prepare("UPDATE responders SET retired_at = ? WHERE responder = ?"),
      destroy: db.prepare("UPDATE responders SET destroyed_at = ? WHERE responder = ?"),
    };
  }

  all(): StoredResponder[] {
    return this.#sql.all.all().map(toResponder);
  }

  insert(issuer: number, organisation: string, requestId: string, now: Date): void {
    this.#sql.insert.run(issuer, organisation, requestId, now.getTime());
  }

  setKey(responder: number, keyId: string, spkiDer: Uint8Array): void {
    this.#sql.key.run(keyId, spkiDer, responder);
  }

  setRenewal(responder: number, renewalId: string | undefined): void {
    this.#sql.renewal.run(renewalId ?? null, responder);
  }

  /** Ends the renewal. */
  setIssued(responder: number, { certificateDer, renewAt, notAfter }: NonNullable<StoredResponder["issued"]>): void {
    this.#sql.issued.run(certificateDer, renewAt.getTime(), notAfter.getTime(), responder);
  }

  retire(responder: number, now: Date): void {
    this.#sql.retire.run(now.getTime(), responder);
  }

  setDestroyed(responder: number, now: Date): void {
    this.#sql.destroy.run(now.getTime(), responder);
  }
}

function toResponder(row: Row): StoredResponder {
  const { key_id, spki_der, certificate_der, renew_at, not_after } = row;
  return {
    ...{ responder: row.responder, issuer: row.issuer, organisation: row.organisation, requestId: row.request_id },
    key: key_id === null || spki_der === null ? undefined : { keyId: key_id, spkiDer: spki_der },
    renewalId: row.renewal_id ?? undefined,
    issued:
      certificate_der === null
        ? undefined
        : { certificateDer: certificate_der, renewAt: new Date(renew_at ?? 0), notAfter: new Date(not_after ?? 0) },
    retiredAt: row.retired_at === null ? undefined : new Date(row.retired_at),
    isDestroyed: row.destroyed_at !== null,
    createdAt: new Date(row.created_at),
  };
}
