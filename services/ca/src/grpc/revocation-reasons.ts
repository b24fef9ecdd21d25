import { PkiError } from "@vcc-pki/errors";
import { RevocationReason as ReasonMessage } from "@vcc-pki/proto/ca";
import type { RevocationReason } from "@vcc-pki/x509";

export const REASONS = {
  unspecified: ReasonMessage.UNSPECIFIED,
  keyCompromise: ReasonMessage.KEY_COMPROMISE,
  cACompromise: ReasonMessage.CA_COMPROMISE,
  affiliationChanged: ReasonMessage.AFFILIATION_CHANGED,
  superseded: ReasonMessage.SUPERSEDED,
  cessationOfOperation: ReasonMessage.CESSATION_OF_OPERATION,
  certificateHold: ReasonMessage.CERTIFICATE_HOLD,
  removeFromCRL: ReasonMessage.REMOVE_FROM_CRL,
  privilegeWithdrawn: ReasonMessage.PRIVILEGE_WITHDRAWN,
  aACompromise: ReasonMessage.AA_COMPROMISE,
} as const satisfies Record<RevocationReason, ReasonMessage>;

export function reasonFromProto(reason: ReasonMessage): RevocationReason {
  const found = Object.entries(REASONS).find(([, message]) => message === reason);
  if (found === undefined) throw new PkiError("REVOCATION_REASON_NOT_ALLOWED", "no such revocation reason");
  return found[0] as RevocationReason;
}
