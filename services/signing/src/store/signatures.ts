import type { Digest } from "@vcc-pki/artefact";
import type { Database } from "@vcc-pki/store";
import type { Format } from "../forms.ts";

/** What is signed of an artefact. */
export interface SignedArtefact {
  readonly type: string;
  readonly name: string;
  readonly version: string | undefined;
  /** Canonical JSON. */
  readonly metadataJson: string;
  /** Octet by octet as it was signed: SHA256SUMS, or an in-toto statement. */
  readonly content: Uint8Array;
}

/** What is signed, and how that is written. */
export interface Subject {
  readonly format: Format;
  readonly artefactDigest: Digest;
  /** Undefined where only the digest is known. */
  readonly artefact: SignedArtefact | undefined;
}

/** A signature in its parts. */
export interface SignatureParts extends Subject {
  /** Row of the key that signed. */
  readonly signerKey: number;
  /** Of CMS; undefined in an envelope. */
  readonly signedAttributesDer: Uint8Array | undefined;
  readonly signatureValue: Uint8Array;
  readonly tokenDer: Uint8Array;
}

export interface MadeSignature extends SignatureParts {
  readonly signatureId: string;
  readonly organisation: string;
  /** SPIFFE URI. */
  readonly requester: string;
  readonly genTime: Date;
}

export interface StoredSignature extends MadeSignature {
  /** Its row. */
  readonly signature: number;
}

interface Row {
  signature: number;
  signature_id: string;
  format: Format;
  organisation: string;
  signer_key: number;
  requester: string;
  artefact_digest: Digest;
  artefact_type: string | null;
  name: string | null;
  version: string | null;
  vcc_metadata: string | null;
  content: Buffer | null;
  signed_attributes: Buffer | null;
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

const COLUMNS = `signature_id, format, organisation, signer_key, requester, artefact_digest, artefact_type, name, version, vcc_metadata, content,
  signed_attributes, signature_value, timestamp_token, gen_time`;

/** What writes belongs inside `store.write`. */
export class SignatureTable {
  readonly #db: Database;
  readonly #sql;

  constructor(db: Database) {
    this.#db = db;
    this.#sql = {
      insert: db.prepare(
        `INSERT INTO vcc_code_signatures (${COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      ),
      bySigner: db.prepare<[string, string, string, string, number], { artefact_digest: string }>(
        `SELECT DISTINCT artefact_digest FROM vcc_code_signatures JOIN signer_keys USING (signer_key)
         WHERE vcc_code_signatures.organisation = ? AND signer = ? AND (? = '' OR signer_key_id = ?) AND gen_time >= ?`,
      ),
      byId: db.prepare<[string, string], Row>(
        `SELECT signature, ${COLUMNS} FROM vcc_code_signatures WHERE signature_id = ? AND organisation = ?`,
      ),
      byValue: db.prepare<[string, string, Uint8Array], Row>(
        `SELECT signature, ${COLUMNS} FROM vcc_code_signatures WHERE organisation = ? AND artefact_digest = ? AND signature_value = ?`,
      ),
    };
  }

  /** Returns its row. */
  insert(made: MadeSignature): number {
    const { artefact } = made;
    const { lastInsertRowid } = this.#sql.insert.run(
      ...[made.signatureId, made.format, made.organisation, made.signerKey],
      ...[made.requester, made.artefactDigest, artefact?.type ?? null, artefact?.name ?? null],
      ...[artefact?.version ?? null, artefact?.metadataJson ?? null, artefact?.content ?? null],
      ...[made.signedAttributesDer ?? null, made.signatureValue, made.tokenDer, made.genTime.getTime()],
    );
    return Number(lastInsertRowid);
  }

  /** Only of this organisation. */
  findById(organisation: string, signatureId: string): StoredSignature | undefined {
    const row = this.#sql.byId.get(signatureId, organisation);
    return row && toSignature(row);
  }

  /** By what the key made of it; only of this organisation. */
  findByValue(organisation: string, artefactDigest: Digest, signatureValue: Uint8Array): StoredSignature | undefined {
    const row = this.#sql.byValue.get(organisation, artefactDigest, signatureValue);
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
  const { artefact_type: type, name, content } = row;
  return {
    ...{ signature: row.signature, signatureId: row.signature_id, format: row.format },
    ...{ organisation: row.organisation, signerKey: row.signer_key, requester: row.requester },
    artefactDigest: row.artefact_digest,
    artefact:
      type === null || name === null || content === null
        ? undefined
        : { type, name, version: row.version ?? undefined, metadataJson: row.vcc_metadata ?? "{}", content },
    ...{ signedAttributesDer: row.signed_attributes ?? undefined, signatureValue: row.signature_value },
    ...{ tokenDer: row.timestamp_token, genTime: new Date(row.gen_time) },
  };
}
