import { event } from "@vcc-pki/events";
import type { Store } from "@vcc-pki/store";
import type { Clock } from "@vcc-pki/time";
import { parseCertificate, serialToHex } from "@vcc-pki/x509";
import { certificateId } from "./certificate-id.ts";
import { type Notice, noticesOf } from "./expiry-notices.ts";
import type { CertificateStatus, CertificateTable } from "./store/certificates.ts";

export interface ExpiryContext {
  readonly store: Store;
  readonly certificates: CertificateTable;
  readonly clock: Clock;
}

/** Certificates worked on in one transaction. */
const BATCH = 200;

/** Tells, once each, that certificates approach their end and that they have reached it. Notices that fell due while nobody
 *  looked are given as one, the latest. Returns how many were given. */
export async function sweep({ store, certificates, clock }: ExpiryContext, now: Date = clock.now()): Promise<number> {
  let given = 0;
  for (;;) {
    const batch = await store.write(() => {
      const due = certificates.due(now, BATCH);
      for (const certificate of due) {
        const notices = noticesOf(parseCertificate(certificate.certificateDer));
        const latest = notices.findLast(({ at }) => at <= now);
        const next = notices.find(({ at }) => at > now);
        certificates.setNotice(certificate, next?.at);
        if (latest === undefined || certificate.revocation !== undefined) continue;
        tell(store, certificate, latest);
        given++;
      }
      return due.length;
    });
    if (batch < BATCH) return given;
  }
}

function tell(store: Store, certificate: CertificateStatus, { threshold }: Notice): void {
  const { organisation, authorityId, serial, profile, notAfter } = certificate;
  const data = {
    certificateId: certificateId(authorityId, serial),
    ...{ authorityId, profile, serialHex: serialToHex(serial), notAfter: notAfter.toISOString() },
  };
  store.outbox.add(
    threshold === "end"
      ? event("pki.certificate.expired.v1", organisation, data)
      : event("pki.certificate.expiring.v1", organisation, { ...data, threshold }),
  );
}
