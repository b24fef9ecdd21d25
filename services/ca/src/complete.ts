import { hash } from "node:crypto";
import { ERRORS, type PkiError, toPkiError } from "@vcc-pki/errors";
import { event } from "@vcc-pki/events";
import type { Store } from "@vcc-pki/store";
import type { Logger } from "@vcc-pki/telemetry";
import type { Clock } from "@vcc-pki/time";
import { type Certificate, serialToHex } from "@vcc-pki/x509";
import type { Authorities } from "./authorities.ts";
import { certificateId } from "./certificate-id.ts";
import { shardOfCertificate } from "./crl-rules.ts";
import { firstNotice } from "./expiry-notices.ts";
import { LintedTbs, signCertificate } from "./issuer.ts";
import type { Metrics } from "./metrics.ts";
import { searchTerms } from "./search.ts";
import type { CertificateStatus, CertificateTable } from "./store/certificates.ts";
import type { Intent, IntentTable } from "./store/intents.ts";
import type { StatusLog } from "./store/status-log.ts";

export interface Issued {
  readonly status: CertificateStatus;
  readonly certificate: Certificate;
  /** The certificate first, then its issuers, without the root. */
  readonly chainDer: readonly Uint8Array[];
}

export interface CompletionContext {
  readonly store: Store;
  readonly certificates: CertificateTable;
  readonly intents: IntentTable;
  readonly statusLog: StatusLog;
  readonly authorities: Authorities;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: Metrics;
}

/** The second half of an issuance, from the stored intent to the stored certificate. It may be run again and again, by this
 *  process or the next, and leads to the same certificate: serial and TBS are fixed, and the hsm-gateway gives the same
 *  signature for the same request id. */
export class Completion {
  readonly #ca: CompletionContext;
  readonly #running = new Map<string, Promise<Issued>>();

  constructor(context: CompletionContext) {
    this.#ca = context;
  }

  /** Signs and stores what was intended. Throws what the signer throws: when it is worth repeating, the intent stays; otherwise
   *  it is given up, on record. */
  run(intent: Intent, linted?: LintedTbs<"certificate">): Promise<Issued> {
    const id = certificateId(intent.authorityId, intent.serial);
    const running = this.#running.get(id);
    if (running) return running;
    const attempt = this.#attempt(intent, linted).finally(() => this.#running.delete(id));
    this.#running.set(id, attempt);
    return attempt;
  }

  async #attempt(intent: Intent, linted?: LintedTbs<"certificate">): Promise<Issued> {
    // 6 sign, 7 verify what came back
    const certificate = await this.#sign(intent, linted).catch((error) =>
      this.#giveUpIfFinal(intent, toPkiError(error)),
    );
    // 8 certificate, audit record and event in one transaction
    const status = await this.#ca.store.write(() => this.#record(intent, certificate), { checksFirst: true });
    this.#ca.metrics.issued.add(1, { profile: intent.profile, authority: intent.authorityId });
    const { organisation, profile, requester } = intent;
    const id = certificateId(intent.authorityId, intent.serial);
    this.#ca.log.info("certificate issued", { certificateId: id, organisation, profile, requester });
    // 9 reply
    return { status, certificate, chainDer: this.#chain(intent, certificate) };
  }

  async #sign(intent: Intent, linted?: LintedTbs<"certificate">): Promise<Certificate> {
    const issuer = this.#ca.authorities.getActiveIssuer(intent.authorityId);
    const tbs = linted ?? LintedTbs.certificate(intent.tbsDer, issuer.certificate);
    return signCertificate(issuer.signer, tbs, serialToHex(intent.serial), intent.requester);
  }

  /** Throws before it writes: a serial number used before shows in the first statement. */
  #record(intent: Intent, certificate: Certificate): CertificateStatus {
    const { store, certificates, intents, statusLog, clock } = this.#ca;
    const stored = certificates.find(intent);
    if (stored) return stored; // an earlier attempt was stored although its commit was reported as failed
    const status: CertificateStatus = {
      ...{ organisation: intent.organisation, authorityId: intent.authorityId, serial: intent.serial },
      ...{ profile: intent.profile, profileVersion: intent.profileVersion, requester: intent.requester },
      ...{ certificateDer: certificate.der, notAfter: certificate.notAfter, issuedAt: clock.now() },
      crlShard: this.#shardOf(intent, certificate),
      revocation: undefined,
    };
    certificates.insert(status, searchTerms(certificate.subjectAltNames), firstNotice(certificate));
    intents.delete(intent);
    const position = statusLog.append("issued", intent);
    store.audit.add(auditOf(intent, "done", { certificateSha256: hash("sha256", certificate.der, "hex") }));
    store.outbox.add(
      event("pki.certificate.issued.v1", intent.organisation, {
        certificateId: certificateId(intent.authorityId, intent.serial),
        authorityId: intent.authorityId,
        serialHex: certificate.serialHex,
        profile: intent.profile,
        notBefore: certificate.notBefore.toISOString(),
        notAfter: certificate.notAfter.toISOString(),
        ...position,
        dnsNames: [...certificate.subjectAltNames.dns],
        requestId: intent.requestId,
        service: serviceOf(certificate),
      }),
    );
    return status;
  }

  #shardOf({ authorityId }: Intent, certificate: Certificate): number {
    const issuer = this.#ca.authorities.find(authorityId);
    if (issuer === undefined) throw new Error(`${authorityId} is gone`);
    return shardOfCertificate(certificate, issuer);
  }

  #chain(intent: Intent, certificate: Certificate): Uint8Array[] {
    return [certificate.der, ...this.#ca.authorities.chainOf(intent.authorityId, { withRoot: false })];
  }

  async #giveUpIfFinal(intent: Intent, error: PkiError): Promise<never> {
    if (!ERRORS[error.code].retry && error.code !== "INTERNAL") {
      await this.#ca.store.write(() => {
        this.#ca.intents.abandon(intent, this.#ca.clock.now(), error.code);
        this.#ca.store.audit.add({ ...auditOf(intent, "failed", {}), code: error.code });
      });
    }
    throw error;
  }
}

/** The audit record of one step of an issuance. */
export const auditOf = (
  intent: Intent,
  outcome: "requested" | "done" | "failed",
  details: Record<string, unknown>,
) => ({
  action: "certificate.issue",
  ...{ outcome, details, caller: intent.caller, requester: intent.requester, organisation: intent.organisation },
  target: certificateId(intent.authorityId, intent.serial),
  requestId: intent.requestId,
});

/** "argus" of "spiffe://…/org/<organisation>/service/argus". */
const serviceOf = ({ subjectAltNames: { uri } }: Certificate): string | undefined =>
  uri[0]?.match(/^spiffe:\/\/[^/]+\/org\/[^/]+\/service\/([^/]+)$/)?.[1];
