import { PkiError } from "@vcc-pki/errors";
import type { Database } from "@vcc-pki/store";
import { splitDer } from "@vcc-pki/x509";
import type { ServiceKey } from "../service-record.ts";

/** What vouched for a service, with the request id under which a repeat finds the same certificate. */
export interface Attestation {
  /** "token <id>", "kubernetes <issuer> <subject>", "request <id>", "agent <SPIFFE URI>" */
  readonly attestor: string;
  readonly requestId: string;
  readonly contentSha256: Uint8Array;
}

/** A certificate that was asked for at the ca. */
export interface Enrolment extends ServiceKey {
  /** The request id at the ca. */
  readonly enrolmentId: string;
  readonly profile: string;
  readonly csrDer: Uint8Array;
  readonly begunAt: Date;
  /** undefined: not yet, or `refused`. */
  readonly certified: { readonly certificateId: string; readonly chainDer: readonly Uint8Array[] } | undefined;
  /** The ca's code. */
  readonly refused: string | undefined;
}

interface Row {
  organisation: string;
  enrolment_id: string;
  service: string;
  content_sha256: Buffer;
  profile: string;
  csr_der: Buffer;
  begun_at: number;
  certificate_id: string | null;
  chain_der: Buffer | null;
  refused: string | null;
}

/** What writes belongs inside `store.write`. */
export class EnrolmentTable {
  readonly #sql;

  constructor(db: Database) {
    this.#sql = {
      find: db.prepare<[string, string], Row>(
        `SELECT organisation, enrolment_id, service, content_sha256, profile, csr_der, begun_at, certificate_id, chain_der, refused
         FROM enrolments WHERE attestor = ? AND request_id = ?`,
      ),
      insert: db.prepare(
        `INSERT INTO enrolments (organisation, enrolment_id, service, attestor, request_id, content_sha256, profile, csr_der, begun_at)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      ),
      certify: db.prepare(
        "UPDATE enrolments SET certificate_id = ?, chain_der = ? WHERE organisation = ? AND enrolment_id = ?",
      ),
      refuse: db.prepare("UPDATE enrolments SET refused = ? WHERE organisation = ? AND enrolment_id = ?"),
    };
  }

  /** Throws REQUEST_ID_REUSED when it was for something else. */
  find({ attestor, requestId, contentSha256 }: Attestation): Enrolment | undefined {
    const row = this.#sql.find.get(attestor, requestId);
    if (row === undefined) return undefined;
    if (!row.content_sha256.equals(contentSha256))
      throw new PkiError("REQUEST_ID_REUSED", "this request id was used for another request");
    return toEnrolment(row);
  }

  insert({ attestor, requestId, contentSha256 }: Attestation, enrolment: Enrolment): void {
    const { organisation, enrolmentId, service, profile, csrDer, begunAt } = enrolment;
    this.#sql.insert.run(
      ...[organisation, enrolmentId, service, attestor, requestId, contentSha256, profile, csrDer, begunAt.getTime()],
    );
  }

  setCertified({ organisation, enrolmentId }: Enrolment, certificateId: string, chainDer: readonly Uint8Array[]): void {
    this.#sql.certify.run(certificateId, Buffer.concat(chainDer), organisation, enrolmentId);
  }

  setRefused({ organisation, enrolmentId }: Enrolment, code: string): void {
    this.#sql.refuse.run(code, organisation, enrolmentId);
  }
}

const toEnrolment = ({ certificate_id, chain_der, ...row }: Row): Enrolment => ({
  ...{ organisation: row.organisation, enrolmentId: row.enrolment_id, service: row.service, profile: row.profile },
  ...{ csrDer: row.csr_der, begunAt: new Date(row.begun_at), refused: row.refused ?? undefined },
  certified:
    certificate_id === null || chain_der === null
      ? undefined
      : { certificateId: certificate_id, chainDer: splitDer(chain_der) },
});
