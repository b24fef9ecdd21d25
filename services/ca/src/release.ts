import { PkiError } from "@vcc-pki/errors";
import { event } from "@vcc-pki/events";
import { serialToHex } from "@vcc-pki/x509";
import { type Actor, requireAdmin } from "./actor.ts";
import { certificateId } from "./certificate-id.ts";
import type { RevocationContext } from "./revoke.ts";
import type { CertificateKey, CertificateStatus } from "./store/certificates.ts";
import type { RequestKey } from "./store/requests.ts";

/** The end of holds. */
export class Releases {
  readonly #ca: RevocationContext;

  constructor(context: RevocationContext) {
    this.#ca = context;
  }

  /** Makes a certificate that is on hold good again. Throws CERTIFICATE_NOT_ON_HOLD when it is not, or has expired meanwhile. */
  async release(actor: Actor, request: RequestKey, certificate: CertificateStatus): Promise<CertificateStatus> {
    requireAdmin(actor);
    if (this.#ca.requests.findTarget(request) !== undefined) return this.#reread(certificate);
    // One transaction: row, dirty list, audit record and event.
    await this.#ca.store.write(() => {
      const id = certificateId(certificate.authorityId, certificate.serial);
      if (!this.#ca.requests.insert(request, id, this.#ca.clock.now())) return;
      this.#requireHeld(certificate);
      this.#record(actor, request, certificate);
    });
    this.#ca.onRevoked();
    return this.#reread(certificate);
  }

  #requireHeld(key: CertificateKey): void {
    const { revocation, notAfter } = this.#reread(key);
    if (revocation?.reason === "certificateHold" && notAfter >= this.#ca.clock.now()) return;
    throw new PkiError("CERTIFICATE_NOT_ON_HOLD", "only a certificate that is on hold and valid can be released");
  }

  #record(actor: Actor, { requestId }: RequestKey, certificate: CertificateStatus): void {
    const { store, revocations, statusLog, lists, clock, log } = this.#ca;
    const { organisation, authorityId, serial, crlShard, profile, notAfter } = certificate;
    const now = clock.now();
    const id = certificateId(authorityId, serial);
    const position = statusLog.append("released", certificate);
    revocations.release({
      ...{ organisation, authorityId, serial, crlShard, releasedAt: now, sequence: position.sequence },
    });
    const issuer = this.#ca.authorities.find(authorityId);
    if (issuer) lists.markDirty({ organisation: issuer.organisation, authorityId, crlShard }, now);
    const requester = actor.requester.uri;
    store.audit.add({
      ...{ action: "certificate.release", outcome: "done", caller: actor.caller.uri, requester, organisation },
      ...{ target: id, requestId },
    });
    store.outbox.add(
      event("pki.certificate.released.v1", organisation, {
        ...{ certificateId: id, authorityId, serialHex: serialToHex(serial), profile, ...position },
        ...{ notAfter: notAfter.toISOString(), releasedAt: now.toISOString() },
      }),
    );
    log.info("certificate released", { certificateId: id, organisation, requester });
  }

  #reread(key: CertificateKey): CertificateStatus {
    const certificate = this.#ca.certificates.find(key);
    if (certificate === undefined) throw new Error("a certificate is gone");
    return certificate;
  }
}
