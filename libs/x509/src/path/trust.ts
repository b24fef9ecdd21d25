import type { Certificate } from "../certificate.ts";
import { type Check, failed, type NamedCheck, passed, runCheck } from "../cms/check.ts";
import { OID } from "../oids.ts";
import { type PathQuestion, validatePath } from "./validate-path.ts";

/** Whether a signer's certificate is trusted at a time: its chain, and what was revoked. `others` came with the signature and are not
 *  trusted. One check for each thing that was looked at; none at all is no trust, and neither is an error. */
export type TrustCheck = (signer: Certificate, others: readonly Certificate[], at: Date) => readonly Check[];

export const TRUST = "trust";

/** What a trust check says; where it says nothing, one that fails. */
export function askTrust(trust: TrustCheck, ...about: Parameters<TrustCheck>): readonly Check[] {
  let made: readonly Check[] = [];
  const ask: NamedCheck<undefined> = [
    TRUST,
    () => {
      made = trust(...about);
      return made.length === 0 ? "nothing vouches for the signer" : undefined;
    },
  ];
  const asked = runCheck(ask, undefined);
  return asked.ok ? made : [asked];
}

export type TrustedBy = Pick<PathQuestion, "anchors" | "policies" | "keys" | "revocation" | "requireRevocation"> & {
  /** Certificates that may stand in between, beside those that come with the token. */
  readonly intermediates?: readonly Certificate[];
  /** What the certificate must be for, dotted, as `validatePath` takes it. Default: time-stamping. */
  readonly purpose?: string;
};

/** Trusts a signer, by default a time-stamping unit, whose certificate had a path to one of these anchors at the time in question, and was not revoked then (see
 *  `validatePath` and `revocationAt`; RFC 3161 section 2.2 leaves the rest to the one who relies on it). The checks are "path" and, where it is
 *  looked at or required, "revocation". */
export function trustAnchors({ intermediates = [], purpose = OID.timeStamping, ...trusted }: TrustedBy): TrustCheck {
  return (signer, others, at) => {
    const candidates = [...others, ...intermediates];
    const result = validatePath({ ...trusted, certificate: signer, candidates, at, purpose });
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
