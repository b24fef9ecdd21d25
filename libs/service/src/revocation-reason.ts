import { RevocationReason } from "@vcc-pki/proto/ca";
import type { RevocationReason as ReasonName } from "@vcc-pki/x509";

/** What the ca says of a revocation, by the name of its CRLReason (RFC 5280 section 5.3.1). */
export const REASON_NAMES: Readonly<Record<RevocationReason, ReasonName>> = {
  [RevocationReason.UNSPECIFIED]: "unspecified",
  [RevocationReason.KEY_COMPROMISE]: "keyCompromise",
  [RevocationReason.CA_COMPROMISE]: "cACompromise",
  [RevocationReason.AFFILIATION_CHANGED]: "affiliationChanged",
  [RevocationReason.SUPERSEDED]: "superseded",
  [RevocationReason.CESSATION_OF_OPERATION]: "cessationOfOperation",
  [RevocationReason.CERTIFICATE_HOLD]: "certificateHold",
  [RevocationReason.REMOVE_FROM_CRL]: "unspecified", // a reason of delta lists, of no certificate
  [RevocationReason.PRIVILEGE_WITHDRAWN]: "privilegeWithdrawn",
  [RevocationReason.AA_COMPROMISE]: "aACompromise",
  [RevocationReason.UNRECOGNIZED]: "unspecified", // of a newer ca
};
