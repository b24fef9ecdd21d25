import {
  type EndpointChange,
  type InventoryEndpoint as EndpointMessage,
  type ServedCertificate as ServedCertificateMessage,
  type Sweep as SweepMessage,
  Verdict as VerdictMessage,
} from "@vcc-pki/proto/discovery";
import {
  type EndpointHistory,
  InventoryEndpoint,
  type ServedCertificate,
  type Sweep,
  VERDICTS,
  type Verdict,
} from "../api/inventory.ts";
import { certificatePem, known, present, requiredTimestamp, timestamp } from "./values.ts";

const VERDICT_MESSAGES = {
  ours: VerdictMessage.OURS,
  foreign: VerdictMessage.FOREIGN,
  expired: VerdictMessage.EXPIRED,
  wrong_name: VerdictMessage.WRONG_NAME,
  self_signed: VerdictMessage.SELF_SIGNED,
  revoked: VerdictMessage.REVOKED,
  invalid: VerdictMessage.INVALID,
  plaintext: VerdictMessage.PLAINTEXT,
  unreachable: VerdictMessage.UNREACHABLE,
} as const satisfies Record<Verdict, VerdictMessage>;

export const verdictToProto = (verdict: Verdict | undefined): VerdictMessage =>
  verdict === undefined ? VerdictMessage.UNSPECIFIED : VERDICT_MESSAGES[verdict];

const verdictToJson = (message: VerdictMessage): Verdict =>
  known(
    VERDICTS.find((verdict) => VERDICT_MESSAGES[verdict] === message),
    "verdict",
  );

const { stapled_ocsp: StapledOcsp, health: Health } = InventoryEndpoint.shape;

export const endpointToJson = (message: EndpointMessage): InventoryEndpoint => ({
  ...{ organization_id: message.organisation, endpoint: message.endpoint, service: present(message.service) },
  ...{ verdict: verdictToJson(message.verdict), reason: message.reason, detail: message.detail },
  ...{ is_ours: message.isOurs, address: present(message.address), tls_version: present(message.tlsVersion) },
  ...{ cipher: present(message.cipher), stapled_ocsp: StapledOcsp.parse(message.stapledOcsp) },
  chain: message.chain.map(certificateToJson),
  ...{ health: Health.parse(present(message.health)), health_reason: present(message.healthReason) },
  source: message.source,
  first_seen_at: requiredTimestamp(message.firstSeenAt, "first_seen_at"),
  last_seen_at: requiredTimestamp(message.lastSeenAt, "last_seen_at"),
  probed_at: requiredTimestamp(message.probedAt, "probed_at"),
  changed_at: requiredTimestamp(message.changedAt, "changed_at"),
});

const certificateToJson = (message: ServedCertificateMessage): ServedCertificate => ({
  sha256: hex(message.fingerprintSha256),
  ...{ subject: message.subject, issuer: message.issuer, serial_number: message.serialHex },
  not_before: requiredTimestamp(message.notBefore, "not_before"),
  not_after: requiredTimestamp(message.notAfter, "not_after"),
  ...{ key_algorithm: message.keyAlgorithm, signature_algorithm: message.signatureAlgorithm },
  ...{ san_dns: message.dnsNames, san_ip: message.ipAddresses, san_uri: message.uris },
  first_seen_at: requiredTimestamp(message.firstSeenAt, "first_seen_at"),
  last_seen_at: requiredTimestamp(message.lastSeenAt, "last_seen_at"),
  certificate: certificatePem(message.certificateDer),
});

export const changeToJson = (message: EndpointChange): EndpointHistory["changes"][number] => ({
  at: requiredTimestamp(message.at, "at"),
  from_verdict: message.fromVerdict === VerdictMessage.UNSPECIFIED ? undefined : verdictToJson(message.fromVerdict),
  ...{ to_verdict: verdictToJson(message.toVerdict), reason: message.reason },
  sha256: present(hex(message.fingerprintSha256)),
});

export const sweepToJson = (message: SweepMessage): Sweep => ({
  ...{ sweep_id: message.sweepId, organization_id: message.organisation, networks: message.networks },
  ...{ ports: message.ports, total: message.total, probed: message.probed, found: message.found },
  ...{ refused: message.refused, verdicts: message.verdicts },
  ...{ started_at: requiredTimestamp(message.startedAt, "started_at"), ended_at: timestamp(message.endedAt) },
});

const hex = (octets: Uint8Array): string => Buffer.from(octets).toString("hex");
