import { PkiError } from "@vcc-pki/errors";
import { event } from "@vcc-pki/events";
import type { Store } from "@vcc-pki/store";
import type { Logger } from "@vcc-pki/telemetry";
import type { Clock } from "@vcc-pki/time";
import { type RevocationReason, serialToHex } from "@vcc-pki/x509";
import { type Actor, requireAdmin } from "./actor.ts";
import type { Authorities } from "./authorities.ts";
import { certificateId } from "./certificate-id.ts";
import type { Metrics } from "./metrics.ts";
import type { Profiles } from "./profiles.ts";
import type { CertificateKey, CertificateStatus, CertificateTable } from "./store/certificates.ts";
import type { ListTable } from "./store/lists.ts";
import type { RequestKey, RequestTable } from "./store/requests.ts";
import type { RevocationTable } from "./store/revocations.ts";
import type { StatusLog } from "./store/status-log.ts";

/** The profile name under which certificates of authorities are stored. */
export const AUTHORITY_PROFILE = "authority";

export interface RevokeInput {
  readonly actor: Actor;
  readonly request: RequestKey;
  readonly certificate: CertificateStatus;
  readonly reason: RevocationReason;
  /** When the key is known or suspected to have been compromised. */
  readonly invalidityDate: Date | undefined;
}

export interface RevocationContext {
  readonly store: Store;
  readonly certificates: CertificateTable;
  readonly revocations: RevocationTable;
  readonly statusLog: StatusLog;
  readonly lists: ListTable;
  readonly requests: RequestTable;
  readonly authorities: Authorities;
  readonly profiles: Profiles;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** Called after a revocation or release is stored: a list wants to be signed soon. */
  readonly onRevoked: () => void;
}

/** Reasons that end entities may be revoked for, beside a hold where the profile admits it. The compromise of a CA or attribute
 *  authority is not theirs. */
const END_ENTITY_REASONS: readonly RevocationReason[] = [
  ...(["unspecified", "keyCompromise", "affiliationChanged", "superseded", "cessationOfOperation"] as const),
  "privilegeWithdrawn",
];

/** Revocation and hold: one row, whatever the length of the list. */
export class Revocations {
  readonly #ca: RevocationContext;

  constructor(context: RevocationContext) {
    this.#ca = context;
  }

  /** Revokes an end entity's certificate or puts it on hold; what is on hold may be revoked for good. Throws
   *  CERTIFICATE_NOT_REVOCABLE when it is revoked or expired already or belongs to an authority, REVOCATION_REASON_NOT_ALLOWED, REQUEST_MALFORMED for an invalidity date that makes no sense. */
  async revoke(input: RevokeInput): Promise<CertificateStatus> {
    const { actor, request, certificate, reason } = input;
    requireAdmin(actor);
    const earlier = this.#ca.requests.findTarget(request);
    if (earlier !== undefined) return this.#reread(certificate);

    // 1 may it be revoked, and for this reason
    if (certificate.profile === AUTHORITY_PROFILE) throw notRevocable("an authority is revoked as such");
    const isHold = reason === "certificateHold" && this.#ca.profiles.find(certificate.profile)?.holdAllowed;
    if (!END_ENTITY_REASONS.includes(reason) && !isHold) {
      throw new PkiError("REVOCATION_REASON_NOT_ALLOWED", `certificates are not revoked for ${reason}`);
    }
    // 2 row, dirty list, audit record and event in one transaction
    await this.#ca.store.write(() => {
      const id = certificateId(certificate.authorityId, certificate.serial);
      if (!this.#ca.requests.insert(request, id, this.#ca.clock.now())) return;
      const current = this.#requireRevocable(certificate, reason);
      this.#requireInvalidityDate(input, current.revocation?.revokedAt);
      this.record({ ...input, certificate: current }, "certificate.revoke");
    });
    this.#ca.onRevoked();
    // 3 reply
    return this.#reread(certificate);
  }

  /** Stores a revocation. Only inside `store.write`. */
  record({ actor, request, certificate, reason, invalidityDate }: RevokeInput, action: string): void {
    const { store, revocations, statusLog, lists, clock, log, metrics } = this.#ca;
    const { organisation, authorityId, serial, crlShard, notAfter, profile } = certificate;
    // What was on hold has been revoked since the hold began (X.509 section 9.5.3.2).
    const now = clock.now();
    const revokedAt = certificate.revocation?.revokedAt ?? now;
    const id = certificateId(authorityId, serial);
    const position = statusLog.append(reason === "certificateHold" ? "held" : "revoked", certificate);
    const listedUntil = this.#isListedForever(certificate) ? undefined : notAfter;
    const requester = actor.requester.uri;
    revocations.put({
      ...{ organisation, authorityId, serial, crlShard, reason },
      ...{ revokedAt, invalidityDate, listedUntil, requester, sequence: position.sequence },
    });
    const issuer = this.#ca.authorities.find(authorityId);
    if (issuer) lists.markDirty({ organisation: issuer.organisation, authorityId, crlShard }, now);
    store.audit.add({
      ...{ action, outcome: "done", caller: actor.caller.uri, requester, organisation, target: id },
      ...{ requestId: request.requestId, details: { reason, invalidityDate: invalidityDate?.toISOString() } },
    });
    store.outbox.add(
      event("pki.certificate.revoked.v1", organisation, {
        ...{ certificateId: id, authorityId, serialHex: serialToHex(serial), profile, reason, ...position },
        ...{ notAfter: notAfter.toISOString(), revokedAt: revokedAt.toISOString() },
        invalidityDate: invalidityDate?.toISOString(),
      }),
    );
    metrics.revoked.add(1, { authority: authorityId, reason });
    log.info("certificate revoked", { certificateId: id, organisation, reason, requester });
  }

  #requireRevocable(key: CertificateKey, reason: RevocationReason): CertificateStatus {
    const certificate = this.#reread(key);
    const { revocation } = certificate;
    if (revocation && (revocation.reason !== "certificateHold" || reason === "certificateHold"))
      throw notRevocable("it is revoked already");
    const expired = certificate.notAfter < this.#ca.clock.now();
    if (expired && !this.#isListedForever(certificate)) throw notRevocable("it has expired");
    return certificate;
  }

  /** `heldSince`: the list will say that it was revoked then, and it cannot have become invalid after that. */
  #requireInvalidityDate({ invalidityDate, reason, certificate }: RevokeInput, heldSince: Date | undefined): void {
    if (invalidityDate === undefined) return;
    const inTime = invalidityDate <= (heldSince ?? this.#ca.clock.now()) && invalidityDate <= certificate.notAfter;
    if (reason !== "keyCompromise" || !inTime) {
      throw new PkiError("REQUEST_MALFORMED", "an invalidity date goes with keyCompromise and lies in the past");
    }
  }

  /** Signatures are verified long after their certificate has expired. */
  #isListedForever({ profile }: CertificateStatus): boolean {
    return this.#ca.profiles.find(profile)?.revokedStays === "forever";
  }

  #reread(key: CertificateKey): CertificateStatus {
    const certificate = this.#ca.certificates.find(key);
    if (certificate === undefined) throw new Error("a certificate is gone");
    return certificate;
  }
}

const notRevocable = (why: string) =>
  new PkiError("CERTIFICATE_NOT_REVOCABLE", `the certificate cannot be revoked: ${why}`);
