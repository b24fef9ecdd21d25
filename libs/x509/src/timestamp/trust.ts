import type { Certificate } from "../certificate.ts";
import { failed, passed } from "../cms/check.ts";
import { OID } from "../oids.ts";
import { type PathQuestion, validatePath } from "../path/validate-path.ts";
import type { TrustCheck } from "./verify.ts";

export type TrustedBy = Pick<PathQuestion, "anchors" | "policies" | "keys" | "revocation" | "requireRevocation"> & {
  /** Certificates that may stand in between, beside those that come with the token. */
  readonly intermediates?: readonly Certificate[];
};

/** Trusts a time-stamping unit whose certificate had a path to one of these anchors at the time of the token, and was not revoked then (see
 *  `validatePath` and `revocationAt`; RFC 3161 section 2.2 leaves the rest to the one who relies on it). The checks are "path" and, where it is
 *  looked at or required, "revocation". */
export function trustAnchors({ intermediates = [], ...trusted }: TrustedBy): TrustCheck {
  return (signer, others, at) => {
    const candidates = [...others, ...intermediates];
    const result = validatePath({ ...trusted, certificate: signer, candidates, at, purpose: OID.timeStamping });
    const failures = result.ok ? [] : result.reasons;
    const outcome = (name: string, isOurs: (reason: string) => boolean) => {
      const reasons = failures
        .filter(({ reason }) => isOurs(reason))
        .map(({ reason, message }) => `${reason}: ${message}`);
      return reasons.length === 0 ? passed(name) : failed(name, reasons.join("; "));
    };
    const isRevocation = (reason: string) => reason === "revoked" || reason === "revocationUnknown";
    const path = outcome("path", (reason) => !isRevocation(reason));
    const isAsked = trusted.revocation !== undefined || trusted.requireRevocation === true;
    return isAsked ? [path, outcome("revocation", isRevocation)] : [path];
  };
}
