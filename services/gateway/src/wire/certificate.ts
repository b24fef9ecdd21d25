import {
  CertificateState,
  type Certificate as ProtoCertificate,
  RevocationReason as ProtoReason,
} from "@vcc-pki/proto/ca";
import type { Certificate, CertificateStatus, CertificateWithChain, RevocationReason } from "../api/certificates.ts";
import { certificatePem, chainPem, known, requiredTimestamp } from "./values.ts";

const REASON_TO_PROTO = {
  unspecified: ProtoReason.UNSPECIFIED,
  key_compromise: ProtoReason.KEY_COMPROMISE,
  ca_compromise: ProtoReason.CA_COMPROMISE,
  affiliation_changed: ProtoReason.AFFILIATION_CHANGED,
  superseded: ProtoReason.SUPERSEDED,
  cessation_of_operation: ProtoReason.CESSATION_OF_OPERATION,
  certificate_hold: ProtoReason.CERTIFICATE_HOLD,
  remove_from_crl: ProtoReason.REMOVE_FROM_CRL,
  privilege_withdrawn: ProtoReason.PRIVILEGE_WITHDRAWN,
  aa_compromise: ProtoReason.AA_COMPROMISE,
} as const satisfies Record<RevocationReason, ProtoReason>;

const REASON_TO_JSON = {
  [ProtoReason.UNSPECIFIED]: "unspecified",
  [ProtoReason.KEY_COMPROMISE]: "key_compromise",
  [ProtoReason.CA_COMPROMISE]: "ca_compromise",
  [ProtoReason.AFFILIATION_CHANGED]: "affiliation_changed",
  [ProtoReason.SUPERSEDED]: "superseded",
  [ProtoReason.CESSATION_OF_OPERATION]: "cessation_of_operation",
  [ProtoReason.CERTIFICATE_HOLD]: "certificate_hold",
  [ProtoReason.REMOVE_FROM_CRL]: "remove_from_crl",
  [ProtoReason.PRIVILEGE_WITHDRAWN]: "privilege_withdrawn",
  [ProtoReason.AA_COMPROMISE]: "aa_compromise",
  [ProtoReason.UNRECOGNIZED]: undefined,
} as const satisfies Record<ProtoReason, RevocationReason | undefined>;

const STATUS_TO_PROTO = {
  valid: CertificateState.VALID,
  revoked: CertificateState.REVOKED,
  expired: CertificateState.EXPIRED,
} as const satisfies Record<CertificateStatus, CertificateState>;

const STATUS_TO_JSON = {
  [CertificateState.VALID]: "valid",
  [CertificateState.REVOKED]: "revoked",
  [CertificateState.EXPIRED]: "expired",
  [CertificateState.UNSPECIFIED]: undefined,
  [CertificateState.UNRECOGNIZED]: undefined,
} as const satisfies Record<CertificateState, CertificateStatus | undefined>;

export const reasonToProto = (reason: RevocationReason): ProtoReason => REASON_TO_PROTO[reason];

export const statusToProto = (status: CertificateStatus | undefined): CertificateState =>
  status === undefined ? CertificateState.UNSPECIFIED : STATUS_TO_PROTO[status];

export const statusToJson = (state: CertificateState): CertificateStatus => known(STATUS_TO_JSON[state], "state");

/** When and why, for a certificate that is revoked; nothing for others. */
export function revocationToJson(revokedAt: Date | undefined, reason: ProtoReason) {
  if (revokedAt === undefined) return {};
  return { revoked_at: revokedAt.toISOString(), revocation_reason: known(REASON_TO_JSON[reason], "reason") };
}

export function certificateToJson(certificate: ProtoCertificate): Certificate {
  return {
    cert_id: certificate.certificateId,
    serial_number: certificate.serialHex,
    issuing_ca_id: certificate.authorityId,
    organization_id: certificate.organisation,
    profile: certificate.profile,
    profile_version: certificate.profileVersion,
    subject_dn: certificate.subject,
    dns_names: certificate.dnsNames,
    ip_addresses: certificate.ipAddresses,
    uris: certificate.uris,
    emails: certificate.emails,
    key_algorithm: certificate.keyAlgorithm,
    status: statusToJson(certificate.state),
    created_at: requiredTimestamp(certificate.issuedAt, "issued_at"),
    not_before: requiredTimestamp(certificate.notBefore, "not_before"),
    expires_at: requiredTimestamp(certificate.notAfter, "not_after"),
    ...revocationToJson(certificate.revokedAt, certificate.revocationReason),
    requester: certificate.requester,
    fingerprint_sha256: Buffer.from(certificate.fingerprintSha256).toString("hex"),
    certificate_pem: certificatePem(certificate.certificateDer),
  };
}

/** `certificate` is absent only when the service that answered is broken. */
export function withChain(answer: {
  certificate: ProtoCertificate | undefined;
  chainDer: readonly Uint8Array[];
}): CertificateWithChain {
  const certificate = certificateToJson(known(answer.certificate, "certificate"));
  const certificate_pem = known(certificate.certificate_pem, "certificate_der");
  return { ...certificate, certificate_pem, chain_pem: chainPem(answer.chainDer) };
}
