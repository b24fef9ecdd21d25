import { hash } from "node:crypto";
import type { StatusChange } from "@vcc-pki/proto/ca";
import { type Certificate, nameToText, parseCertificate, serialToHex } from "@vcc-pki/x509";
import type { Living, State } from "./states.ts";

/** A certificate, and where it is in its life. */
export interface ManagedCertificate {
  readonly organisation: string;
  /** "<authority_id>:<serial in hex>". */
  readonly certificateId: string;
  readonly serialHex: string;
  /** Who it is of and what for: the same for all that take over from each other. */
  readonly identity: string;
  readonly predecessorId: string | undefined;
  readonly profile: string;
  readonly profileVersion: number;
  readonly keyAlgorithm: string;
  readonly spkiSha256: Uint8Array;
  readonly subject: string;
  readonly dnsNames: readonly string[];
  readonly requester: string;
  readonly issuedAt: Date;
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly renewAt: Date;
  readonly state: State;
  readonly resumesAs: Living | undefined;
  /** When time alone changes its state. Absent: never again. */
  readonly dueAt: Date | undefined;
  readonly revocationReason: string | undefined;
}

export type CertificateKey = Pick<ManagedCertificate, "organisation" | "certificateId">;

export const keyOf = ({ organisation, authorityId, serial }: StatusChange): CertificateKey => ({
  organisation,
  certificateId: `${authorityId}:${serialToHex(serial)}`,
});

/** Before the end, where the profile says nothing, or says it of a longer life. */
const REST_OF_LIFE = 1 / 3;

/** What the ca's log says was issued, as it begins its life. `thresholdMs` is how long before its end it should be renewed; a third of its life at most.
 *  Throws CERTIFICATE_MALFORMED. */
export function beginningOf(change: StatusChange, thresholdMs: number | undefined): ManagedCertificate {
  const { subject, profile, serial } = change;
  const certificate = parseCertificate(subject?.certificateDer ?? new Uint8Array());
  const { notBefore, notAfter, spkiDer, keyAlgorithm, subjectAltNames } = certificate;
  const lifeMs = notAfter.getTime() - notBefore.getTime();
  const rest = lifeMs * REST_OF_LIFE;
  const renewAt = new Date(notAfter.getTime() - Math.min(thresholdMs ?? rest, rest));
  return {
    ...keyOf(change),
    ...{ profile, profileVersion: subject?.profileVersion ?? 0, keyAlgorithm, notBefore, notAfter, renewAt },
    serialHex: serialToHex(serial),
    identity: identityOf(certificate),
    predecessorId: undefined,
    spkiSha256: hash("sha256", spkiDer, "buffer"),
    subject:
      subjectAltNames.uri[0] ??
      [...subjectAltNames.dns, ...subjectAltNames.email][0] ??
      nameToText(certificate.subject),
    dnsNames: subjectAltNames.dns,
    requester: subject?.requester ?? "",
    issuedAt: subject?.issuedAt ?? notBefore,
    ...{ state: "issued", resumesAs: undefined, dueAt: renewAt, revocationReason: undefined },
  };
}

/** A URI names one workload, person or service of the suite; without one, the names do. Keys for different uses do not take over from
 *  each other. */
function identityOf({ subject, subjectAltNames, extendedKeyUsages = [] }: Certificate): string {
  const { uri, dns, ip, email } = subjectAltNames;
  const names = uri.length > 0 ? uri : [...dns, ...ip, ...email].toSorted();
  const who = names.length > 0 ? names.join(" ") : nameToText(subject);
  return hash("sha256", `${who}|${extendedKeyUsages.toSorted().join(" ")}`);
}
