import type { Digest } from "@vcc-pki/artefact";
import type { Database } from "@vcc-pki/store";

/** What a manifest says of its artefact. */
export interface SignedArtefact {
  readonly type: string;
  readonly name: string;
  readonly version: string | undefined;
  /** Canonical JSON. */
  readonly metadataJson: string;
  /** Octet by octet as it was signed. */
  readonly manifest: Uint8Array;
}

/** A signature in its parts. */
export interface MadeSignature {
  readonly signatureId: string;
  readonly organisation: string;
  /** Row of the key that signed. */
  readonly signerKey: number;
  /** SPIFFE URI. */
  readonly requester: string;
  readonly artefactDigest: Digest;
  /** Undefined where only the digest is known. */
  readonly artefact: SignedArtefact | undefined;
  readonly signedAttributesDer: Uint8Array;
  readonly signatureValue: Uint8Array;
  readonly tokenDer: Uint8Array;
  readonly genTime: Date;
}

export interface StoredSignature extends MadeSignature {
  /** Its row. */
  readonly signature: number;
}

interface Row {
  signature: number;
  signature_id: string;
  organisation: string;
  signer_key: number;
  requester: string;
  artefact_digest: Digest;
  artefact_type: string | null;
  name: string | null;
  version: string | null;
  vcc_metadata: string | null;
  manifest: Buffer | null;
  signed_attributes: Buffer;
  signature_value: Buffer;
  timestamp_token: Buffer;
  gen_time: number;
}

/** Each narrows it down; empty: any. */
export interface SignatureFilter {
  readonly organisation: string;
  readonly artefactDigest: string;
  readonly type: string;
  readonly signer: string;
}

const COLUMNS = `signature_id, organisation, signer_key, requester, artefact_digest, artefact_type, name, version, vcc_metadata, manifest,
  signed_attributes, signature_value, timestamp_token, gen_time`;

/** What writes belongs inside `store.write`. */
export class SignatureTable {
  readonly #db: Database;
  readonly #sql;

  constructor(db: Database) {
    this.#db = db;
    this.#sql = {
      insert: db.prepare(
        `INSERT INTO vcc_code_signatures (format, ${COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      ),
      bySigner: db.prepare<[string, string, string, string, number], { artefact_digest: string }>(
        `SELECT DISTINCT artefact_digest FROM vcc_code_signatures JOIN signer_keys USING (signer_key)
         WHERE vcc_code_signatures.organisation = ? AND signer = ? AND (? = '' OR signer_key_id = ?) AND gen_time >= ?`,
      ),
      byId: db.prepare<[string, string], Row>(
        `SELECT signature, ${COLUMNS} FROM vcc_code_signatures WHERE signature_id = ? AND organisation = ?`,
      ),
    };
  }

  /** Returns its row. */
  insert(made: MadeSignature): number {
    const { artefact } = made;
    const { lastInsertRowid } = this.#sql.insert.run(
      ...[artefact === undefined ? "digest" : "manifest", made.signatureId, made.organisation, made.signerKey],
      ...[made.requester, made.artefactDigest, artefact?.type ?? null, artefact?.name ?? null],
      ...[artefact?.version ?? null, artefact?.metadataJson ?? null, artefact?.manifest ?? null],
      ...[made.signedAttributesDer, made.signatureValue, made.tokenDer, made.genTime.getTime()],
    );
    return Number(lastInsertRowid);
  }

  /** Only of this organisation. */
  findById(organisation: string, signatureId: string): StoredSignature | undefined {
    const row = this.#sql.byId.get(signatureId, organisation);
    return row && toSignature(row);
  }

  /** What a signer has signed, or one of its keys, from a time on. */
  digestsBySigner(
    organisation: string,
    { signer, signerKeyId, since }: { readonly signer: string; readonly signerKeyId: string; readonly since: Date },
  ): string[] {
    return this.#sql.bySigner
      .all(organisation, signer, signerKeyId, signerKeyId, since.getTime())
      .map(({ artefact_digest }) => artefact_digest);
  }

  /** The newest first, from rows before `before`. */
  list(filter: SignatureFilter, before: number, limit: number): StoredSignature[] {
    const { organisation, artefactDigest, type, signer } = filter;
    const terms = [
      ["organisation = ?", organisation],
      ["artefact_digest = ?", artefactDigest],
      ["artefact_type = ?", type],
      ["signer_key IN (SELECT signer_key FROM signer_keys WHERE signer = ?)", signer],
    ].filter(([, value]) => value !== "");
    const where = [...terms.map(([term]) => term), "signature < ?"].join(" AND ");
    const values = terms.map(([, value]) => value);
    return this.#db
      .prepare<unknown[], Row>(
        `SELECT signature, ${COLUMNS} FROM vcc_code_signatures WHERE ${where} ORDER BY signature DESC LIMIT ?`,
      )
      .all(...values, before, limit)
      .map(toSignature);
  }
}

function toSignature(row: Row): StoredSignature {
  const { artefact_type: type, name, manifest } = row;
  return {
    ...{ signature: row.signature, signatureId: row.signature_id, organisation: row.organisation },
    ...{ signerKey: row.signer_key, requester: row.requester, artefactDigest: row.artefact_digest },
    artefact:
      type === null || name === null || manifest === null
        ? undefined
        : { type, name, version: row.version ?? undefined, metadataJson: row.vcc_metadata ?? "{}", manifest },
    ...{ signedAttributesDer: row.signed_attributes, signatureValue: row.signature_value },
    ...{ tokenDer: row.timestamp_token, genTime: new Date(row.gen_time) },
  };
}
