import { PkiError } from "@vcc-pki/errors";
import {
  type ManagedCertificate as CertificateMessage,
  type CertificateChange as ChangeMessage,
  LifecycleState,
} from "@vcc-pki/proto/lifecycle";
import type { ManagedCertificate } from "../certificate.ts";
import { STATES, type State } from "../states.ts";
import type { CertificateChange } from "../store/changes.ts";

const TO_PROTO: Record<State, LifecycleState> = {
  issued: LifecycleState.ISSUED,
  active: LifecycleState.ACTIVE,
  expiring: LifecycleState.EXPIRING,
  renewing: LifecycleState.RENEWING,
  renewed: LifecycleState.RENEWED,
  revoked: LifecycleState.REVOKED,
  expired: LifecycleState.EXPIRED,
  suspended: LifecycleState.SUSPENDED,
};

/** "" for any. Throws REQUEST_MALFORMED. */
export function stateFromProto(message: LifecycleState): State | "" {
  if (message === LifecycleState.UNSPECIFIED) return "";
  const state = STATES.find((each) => TO_PROTO[each] === message);
  if (state === undefined) throw new PkiError("REQUEST_MALFORMED", "no such state of a certificate");
  return state;
}

export const certificateToProto = (certificate: ManagedCertificate): CertificateMessage => {
  const { organisation, certificateId, serialHex, profile, profileVersion, keyAlgorithm, spkiSha256 } = certificate;
  const { subject, requester, issuedAt, notBefore, notAfter, renewAt, predecessorId, revocationReason } = certificate;
  return {
    ...{ organisation, certificateId, serialHex, profile, profileVersion, keyAlgorithm, spkiSha256 },
    ...{ subject, requester, issuedAt, notBefore, notAfter, renewAt },
    authorityId: certificateId.slice(0, certificateId.lastIndexOf(":")),
    dnsNames: [...certificate.dnsNames],
    state: TO_PROTO[certificate.state],
    predecessorId: predecessorId ?? "",
    revocationReason: revocationReason ?? "",
  };
};

export const changeToProto = ({ from, to, ...change }: CertificateChange): ChangeMessage => ({
  ...change,
  fromState: from === undefined ? LifecycleState.UNSPECIFIED : TO_PROTO[from],
  toState: TO_PROTO[to],
});
