import type { Logger } from "@vcc-pki/telemetry";
import { serialToHex } from "@vcc-pki/x509";
import type { Change } from "./changes.ts";
import type { Issuers } from "./issuers.ts";
import { CERTIFICATE_HOLD, type CertificateName, type Revocation, type StoredCertificate } from "./status.ts";
import { isSameRevocation } from "./status-memory.ts";
import type { AnswerTable } from "./store/answers.ts";
import type { CertificateTable } from "./store/certificates.ts";

/** A certificate as it is after a change, and as it was. */
export interface RecordedChange extends StoredCertificate {
  readonly before: "new" | { readonly revocation: Revocation | undefined };
}

/** Certificates forgotten in one transaction. */
const FORGOTTEN_AT_ONCE = 500;

/** What a change of status does to the database. `record` and `forgetUnseen` belong inside `store.write`. */
export class Recording {
  readonly #certificates: CertificateTable;
  readonly #answers: AnswerTable;
  readonly #issuers: Issuers;
  readonly #log: Logger;

  constructor(certificates: CertificateTable, answers: AnswerTable, issuers: Issuers, log: Logger) {
    this.#certificates = certificates;
    this.#answers = answers;
    this.#issuers = issuers;
    this.#log = log;
  }

  /** Stores a change that was told in this epoch. Answers that say something else are deleted with it. */
  record(change: Change, epoch: number): RecordedChange {
    const { serial, notAfterMs } = change;
    const name = { issuer: this.#issuers.numberOf(change.authorityId, change.organisation), serial };
    const known = this.#certificates.findWithEpoch(name);
    if (known === undefined) {
      const { revocation } = change;
      const certificate = this.#certificates.insert(name, change, epoch);
      return { ...name, certificate, notAfterMs, revocation, before: "new" };
    }
    const revocation = this.#mayChange(known, change, epoch) ? change.revocation : known.revocation;
    if (!isSameRevocation(known.revocation, revocation)) this.#answers.delete(known.certificate);
    this.#certificates.update(known.certificate, { notAfterMs, revocation }, epoch);
    return { ...name, certificate: known.certificate, notAfterMs, revocation, before: known };
  }

  /** Only a hold ends (RFC 5280 section 5.3.1). A ca whose backup was restored may not remember what it had revoked: that a certificate
   *  is good again counts only once it has told of that certificate in this epoch before. */
  #mayChange(known: StoredCertificate & { readonly epoch: number }, { revocation }: Change, epoch: number): boolean {
    if (known.revocation === undefined || revocation !== undefined) return true;
    if (known.epoch === epoch && known.revocation.reason === CERTIFICATE_HOLD) return true;
    const { authorityId = "" } = this.#issuers.find(known.issuer) ?? {};
    this.#log.error("the ca has forgotten a revocation", { authorityId, serialHex: serialToHex(known.serial) });
    return false;
  }

  /** Forgets some of what is good by the word of an earlier epoch alone, and says which; what is revoked stays so. */
  forgetUnseen(epoch: number): CertificateName[] {
    const unseen = this.#certificates.listUnseen(epoch, FORGOTTEN_AT_ONCE);
    for (const { certificate } of unseen) this.#certificates.delete(certificate);
    return unseen;
  }

  findIssuer({ authorityId }: Change): number | undefined {
    return this.#issuers.findNumber(authorityId);
  }

  /** What is stored about the certificate of a change, as if it had just been recorded. */
  find(change: Change): RecordedChange | undefined {
    const issuer = this.findIssuer(change);
    const stored = issuer === undefined ? undefined : this.#certificates.find({ issuer, serial: change.serial });
    return stored && { ...stored, before: "new" };
  }

  /** Authorities that came with these changes are known from now on. */
  reloadIssuers(recorded: readonly RecordedChange[]): void {
    if (recorded.some(({ issuer }) => !this.#issuers.hasNumber(issuer))) this.#issuers.reload();
  }
}
