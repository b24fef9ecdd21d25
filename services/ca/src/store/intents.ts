import type { Database } from "@vcc-pki/store";
import type { CertificateKey } from "./certificates.ts";

/** A certificate that is about to be signed, or may have been. */
export interface Intent extends CertificateKey {
  readonly caller: string;
  readonly requester: string;
  readonly requestId: string;
  readonly profile: string;
  readonly profileVersion: number;
  readonly tbsDer: Uint8Array;
  readonly createdAt: Date;
  /** Set when it was given up, with the reason. */
  readonly abandoned: { readonly at: Date; readonly code: string } | undefined;
}

interface Row {
  organisation: string;
  authority_id: string;
  serial: Buffer;
  caller: string;
  requester: string;
  request_id: string;
  profile: string;
  profile_version: number;
  tbs_der: Buffer;
  created_at: number;
  abandoned_at: number | null;
  code: string | null;
}

/** What will be signed, stored before it is. What writes belongs inside `store.write`. */
export class IntentTable {
  readonly #sql;

  constructor(db: Database) {
    this.#sql = prepare(db);
  }

  insert(intent: Omit<Intent, "abandoned">): void {
    this.#sql.insert.run(
      intent.organisation,
      intent.authorityId,
      intent.serial,
      intent.caller,
      intent.requester,
      intent.requestId,
      intent.profile,
      intent.profileVersion,
      intent.tbsDer,
      intent.createdAt.getTime(),
    );
  }

  find({ organisation, authorityId, serial }: CertificateKey): Intent | undefined {
    const row = this.#sql.find.get(organisation, authorityId, serial);
    return row && toIntent(row);
  }

  /** Intents that are neither finished nor given up, oldest first. */
  unfinished(createdBefore: Date, limit: number): Intent[] {
    return this.#sql.unfinished.all(createdBefore.getTime(), limit).map(toIntent);
  }

  delete({ organisation, authorityId, serial }: CertificateKey): void {
    this.#sql.delete.run(organisation, authorityId, serial);
  }

  abandon({ organisation, authorityId, serial }: CertificateKey, now: Date, code: string): void {
    this.#sql.abandon.run(now.getTime(), code, organisation, authorityId, serial);
  }
}

const COLUMNS = `organisation, authority_id, serial, caller, requester, request_id, profile, profile_version, tbs_der, created_at`;

function prepare(db: Database) {
  return {
    insert: db.prepare(`INSERT INTO issuance_intents (${COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`),
    find: db.prepare<[string, string, Uint8Array], Row>(
      `SELECT ${COLUMNS}, abandoned_at, code FROM issuance_intents
       WHERE organisation = ? AND authority_id = ? AND serial = ?`,
    ),
    unfinished: db.prepare<[number, number], Row>(
      `SELECT ${COLUMNS}, abandoned_at, code FROM issuance_intents
       WHERE abandoned_at IS NULL AND created_at < ? ORDER BY created_at LIMIT ?`,
    ),
    delete: db.prepare("DELETE FROM issuance_intents WHERE organisation = ? AND authority_id = ? AND serial = ?"),
    abandon: db.prepare(
      `UPDATE issuance_intents SET abandoned_at = ?, code = ?
       WHERE organisation = ? AND authority_id = ? AND serial = ?`,
    ),
  };
}

function toIntent(row: Row): Intent {
  return {
    organisation: row.organisation,
    authorityId: row.authority_id,
    serial: row.serial,
    caller: row.caller,
    requester: row.requester,
    requestId: row.request_id,
    profile: row.profile,
    profileVersion: row.profile_version,
    tbsDer: row.tbs_der,
    createdAt: new Date(row.created_at),
    abandoned: row.abandoned_at === null ? undefined : { at: new Date(row.abandoned_at), code: row.code ?? "" },
  };
}
