import {
  type ManagedCertificate as CertificateMessage,
  type CertificateChange as ChangeMessage,
  type GetReportResponse,
  LifecycleState as StateMessage,
} from "@vcc-pki/proto/lifecycle";
import type { CertificateChange, LifecycleReport, LifecycleState, ManagedCertificate } from "../api/lifecycle.ts";
import { known, present, requiredTimestamp } from "./values.ts";

const STATES: Partial<Record<StateMessage, LifecycleState>> = {
  [StateMessage.ISSUED]: "issued",
  [StateMessage.ACTIVE]: "active",
  [StateMessage.EXPIRING]: "expiring",
  [StateMessage.RENEWING]: "renewing",
  [StateMessage.RENEWED]: "renewed",
  [StateMessage.REVOKED]: "revoked",
  [StateMessage.EXPIRED]: "expired",
  [StateMessage.SUSPENDED]: "suspended",
};

/** Absent: any. */
export function stateToProto(state: LifecycleState | undefined): StateMessage {
  const found = Object.entries(STATES).find(([, name]) => name === state);
  return (found?.[0] as StateMessage | undefined) ?? StateMessage.UNSPECIFIED;
}

export const managedToJson = (message: CertificateMessage): ManagedCertificate => ({
  cert_id: message.certificateId,
  organisation: message.organisation,
  ca_id: message.authorityId,
  serial_number: message.serialHex,
  profile: message.profile,
  profile_version: message.profileVersion,
  key_algorithm: message.keyAlgorithm,
  public_key_sha256: Buffer.from(message.spkiSha256).toString("hex"),
  subject: message.subject,
  dns_names: message.dnsNames,
  requester: message.requester,
  issued_at: requiredTimestamp(message.issuedAt, "issued_at"),
  not_before: requiredTimestamp(message.notBefore, "not_before"),
  not_after: requiredTimestamp(message.notAfter, "not_after"),
  renew_at: requiredTimestamp(message.renewAt, "renew_at"),
  state: known(STATES[message.state], "state"),
  predecessor: present(message.predecessorId),
  revocation_reason: present(message.revocationReason),
});

export const changeToJson = ({ change, fromState, toState, reason, actor, at }: ChangeMessage): CertificateChange => ({
  ...{ change, from: STATES[fromState], to: known(STATES[toState], "state"), reason, actor },
  at: requiredTimestamp(at, "time"),
});

export function reportToJson(message: GetReportResponse): LifecycleReport {
  const { organisation, profiles, meanReplacementSeconds, states, upcoming, endedWithoutSuccessor } = message;
  const [renewed, expired] = [sum(profiles.map((each) => each.renewed)), sum(profiles.map((each) => each.expired))];
  return {
    organisation,
    from: requiredTimestamp(message.from, "beginning"),
    until: requiredTimestamp(message.until, "end"),
    made_at: requiredTimestamp(message.madeAt, "time"),
    profiles,
    mean_replacement_seconds: meanReplacementSeconds,
    renewal_rate: renewed + expired === 0 ? undefined : renewed / (renewed + expired),
    states,
    upcoming: upcoming.map(({ from, until, ending }) => ({
      ...{ from: requiredTimestamp(from, "beginning"), until: requiredTimestamp(until, "end"), ending },
    })),
    ended_without_successor: endedWithoutSuccessor.map(managedToJson),
  };
}

const sum = (counts: readonly number[]): number => counts.reduce((total, count) => total + count, 0);
