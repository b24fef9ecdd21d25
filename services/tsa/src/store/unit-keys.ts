import type { Database } from "@vcc-pki/store";
import { splitDer } from "@vcc-pki/x509";
import type { UnitConfig } from "../config.ts";
import type { UnitAlgorithm } from "../unit-key.ts";

/** A unit's key and how far its certificate has come. */
export interface StoredUnitKey {
  readonly unitKey: number;
  readonly unit: string;
  readonly organisation: string;
  readonly requestId: string;
  readonly keyAlgorithm: UnitConfig["keyAlgorithm"];
  readonly algorithm: UnitAlgorithm;
  readonly isTest: boolean;
  readonly key: { readonly keyId: string; readonly spkiDer: Uint8Array } | undefined;
  /** Request id of the issuance that is under way. */
  readonly issuanceId: string | undefined;
  readonly issued: IssuedUnit | undefined;
  /** Since then it signs nothing any more. */
  readonly retiredAt: Date | undefined;
  readonly destroyedAt: Date | undefined;
  readonly createdAt: Date;
}

export interface IssuedUnit {
  /** The certificate first, then its issuers without the root. */
  readonly chainDer: readonly Uint8Array[];
  /** First and last moment in which the key signs. */
  readonly signsFrom: Date;
  readonly signsUntil: Date;
}

interface Row {
  unit_key: number;
  unit: string;
  organisation: string;
  request_id: string;
  key_algorithm: UnitConfig["keyAlgorithm"];
  signature_algorithm: UnitAlgorithm;
  test: number;
  key_id: string | null;
  spki_der: Buffer | null;
  issuance_id: string | null;
  chain_der: Buffer | null;
  signs_from: number | null;
  signs_until: number | null;
  retired_at: number | null;
  destroyed_at: number | null;
  created_at: number;
}

export interface NewUnitKey {
  readonly unit: string;
  readonly organisation: string;
  readonly requestId: string;
  readonly keyAlgorithm: UnitConfig["keyAlgorithm"];
  readonly algorithm: UnitAlgorithm;
  readonly isTest: boolean;
}

/** What writes belongs inside `store.write`. */
export class UnitKeyTable {
  readonly #sql;

  constructor(db: Database) {
    this.#sql = {
      all: db.prepare<[], Row>(
        `SELECT unit_key, unit, organisation, request_id, key_algorithm, signature_algorithm, test, key_id, spki_der, issuance_id, chain_der, signs_from,
           signs_until, retired_at, destroyed_at, created_at FROM unit_keys ORDER BY unit_key`,
      ),
      insert: db.prepare(
        `INSERT INTO unit_keys (unit, organisation, request_id, key_algorithm, signature_algorithm, test, created_at)
         VALUES (?, ?, ?, ?, ?, ?, ?)`,
      ),
      key: db.prepare("UPDATE unit_keys SET key_id = ?, spki_der = ? WHERE unit_key = ?"),
      issuance: db.prepare("UPDATE unit_keys SET issuance_id = ? WHERE unit_key = ?"),
      issued: db.prepare(
        "UPDATE unit_keys SET chain_der = ?, signs_from = ?, signs_until = ?, issuance_id = NULL WHERE unit_key = ?",
      ),
      retire: db.prepare("UPDATE unit_keys SET retired_at = ? WHERE unit_key = ? AND retired_at IS NULL"),
      destroy: db.prepare("UPDATE unit_keys SET destroyed_at = ? WHERE unit_key = ?"),
    };
  }

  all(): StoredUnitKey[] {
    return this.#sql.all.all().map(toUnitKey);
  }

  insert({ unit, organisation, requestId, keyAlgorithm, algorithm, isTest }: NewUnitKey, now: Date): void {
    this.#sql.insert.run(unit, organisation, requestId, keyAlgorithm, algorithm, isTest ? 1 : 0, now.getTime());
  }

  setKey(unitKey: number, keyId: string, spkiDer: Uint8Array): void {
    this.#sql.key.run(keyId, spkiDer, unitKey);
  }

  setIssuance(unitKey: number, issuanceId: string | undefined): void {
    this.#sql.issuance.run(issuanceId ?? null, unitKey);
  }

  /** Ends the issuance. */
  setIssued(unitKey: number, { chainDer, signsFrom, signsUntil }: IssuedUnit): void {
    this.#sql.issued.run(Buffer.concat(chainDer), signsFrom.getTime(), signsUntil.getTime(), unitKey);
  }

  retire(unitKey: number, now: Date): void {
    this.#sql.retire.run(now.getTime(), unitKey);
  }

  setDestroyed(unitKey: number, now: Date): void {
    this.#sql.destroy.run(now.getTime(), unitKey);
  }
}

function toUnitKey(row: Row): StoredUnitKey {
  const { key_id, spki_der, chain_der, signs_from, signs_until } = row;
  return {
    ...{ unitKey: row.unit_key, unit: row.unit, organisation: row.organisation, requestId: row.request_id },
    ...{ keyAlgorithm: row.key_algorithm, algorithm: row.signature_algorithm, isTest: row.test === 1 },
    key: key_id === null || spki_der === null ? undefined : { keyId: key_id, spkiDer: spki_der },
    issuanceId: row.issuance_id ?? undefined,
    issued:
      chain_der === null
        ? undefined
        : {
            chainDer: splitDer(chain_der),
            signsFrom: new Date(signs_from ?? 0),
            signsUntil: new Date(signs_until ?? 0),
          },
    retiredAt: row.retired_at === null ? undefined : new Date(row.retired_at),
    destroyedAt: row.destroyed_at === null ? undefined : new Date(row.destroyed_at),
    createdAt: new Date(row.created_at),
  };
}
