import type { Certificate } from "../certificate.ts";
import type { KeyRequirements } from "../weak-keys/check-public-key.ts";
import { findOwnFaults } from "./own-rules.ts";
import type { Finding, PathFailure } from "./path-failure.ts";
import { findPathFaults, type NameBudget, type PathRequirements } from "./path-rules.ts";
import { PATH_LIMITS, PathSearch } from "./path-search.ts";
import { type RevocationEvidence, type RevocationStatus, revocationAt } from "./revocation-at.ts";

/** What is asked about a certificate. */
export interface PathQuestion extends PathRequirements {
  readonly certificate: Certificate;
  /** Certificates that may stand in between, from anywhere, in any order. */
  readonly candidates: readonly Certificate[];
  /** Certificates that are trusted to issue. What they say holds for them, too: an anchor that has expired is none. */
  readonly anchors: readonly Certificate[];
  /** When all of the path has to be valid. Fractions of a second belong to the second that they are in. */
  readonly at: Date;
  /** Default: RSA from 3072 bits on. */
  readonly keys?: KeyRequirements;
  /** Lists and responses, to be asked about each certificate but the anchor; undefined: revocation is not looked at. */
  readonly revocation?: RevocationEvidence;
  /** Whether a certificate of which nothing proves that it was not revoked is refused. Default false. */
  readonly requireRevocation?: boolean;
}

export type PathResult =
  | {
      readonly ok: true;
      /** The certificate first, the anchor last. */
      readonly path: readonly Certificate[];
      /** For each certificate of the path but the anchor; empty when it was not looked at. */
      readonly statuses: readonly RevocationStatus[];
    }
  | {
      readonly ok: false;
      /** What is wrong with the best of the paths there are, or why there is none. Never empty. */
      readonly reasons: readonly PathFailure[];
    };

/** Of names with constraints, in all paths together. */
const MAX_COMPARISONS = 1_000_000;

/**
 * Whether a certificate was good at a point in time, under these anchors, for this purpose (RFC 5280 section 6.1). Builds the paths there
 * are, within `PATH_LIMITS`, and takes the first in which nothing is wrong. An anchor alone is no path. Names are compared octet by octet.
 * Does not look at whether the certificate's names are those of a peer. Throws for nothing that a certificate, list or response holds.
 */
export function validatePath(question: PathQuestion): PathResult {
  const { certificate, candidates, anchors, at } = question;
  if (Number.isNaN(at.getTime())) throw new RangeError("validation at no time");
  const search = new PathSearch(candidates, anchors, at);
  const check = pathChecker(question);

  let best: readonly PathFailure[] | undefined;
  let count = 0;
  for (const path of search.paths([certificate])) {
    const { failures, statuses } = check(path);
    if (failures.length === 0) return { ok: true, path, statuses };
    if (best === undefined || failures.length < best.length) best = failures;
    if (++count === PATH_LIMITS.paths) break;
  }

  const reasons = best ?? (search.deadEnd ? [search.deadEnd] : []);
  const isGivenUp = count === PATH_LIMITS.paths || search.isGivenUp;
  const givenUp: PathFailure = { reason: "tooManyTries", message: "there are too many paths to try", certificate };
  return { ok: false, reasons: isGivenUp || reasons.length === 0 ? [...reasons, givenUp] : reasons };
}

interface Verdict {
  readonly failures: readonly PathFailure[];
  readonly statuses: readonly RevocationStatus[];
}

/** What is wrong with a complete path. Certificates that come again in other paths are looked at once. */
function pathChecker(question: PathQuestion): (path: readonly Certificate[]) => Verdict {
  const { at, keys = {}, revocation, requireRevocation = false } = question;
  const budget: NameBudget = { comparisons: MAX_COMPARISONS };
  const ownFaults = new Map<Certificate, readonly Finding[]>();

  const ownFailures = (certificate: Certificate, isAnchor: boolean): PathFailure[] => {
    const findings = ownFaults.get(certificate) ?? findOwnFaults(certificate, isAnchor, at, keys);
    ownFaults.set(certificate, findings);
    return findings.map((finding) => ({ ...finding, certificate }));
  };

  return (path) => {
    const failures = [
      ...path.flatMap((certificate, i) => ownFailures(certificate, i === path.length - 1)),
      ...findPathFaults(path, question, budget),
    ];
    // Lists of a path that is refused anyway are not worth their signatures.
    if (failures.length > 0 || !(revocation ?? requireRevocation)) return { failures, statuses: [] };
    const subjects = path.slice(0, -1);
    const statuses = subjects.map((certificate, i) =>
      revocationAt(certificate, path[i + 1] as Certificate, at, { keys, ...revocation }),
    );
    const revoked = subjects.flatMap((certificate, i) =>
      findRevocationFaults(certificate, statuses[i] as RevocationStatus, requireRevocation),
    );
    return { failures: revoked, statuses };
  };
}

/** A certificate whose issuer never publishes revocation is good without proof (RFC 9608 section 4). */
function findRevocationFaults(certificate: Certificate, status: RevocationStatus, isRequired: boolean): PathFailure[] {
  if (status.status === "revoked") {
    const message = `revoked on ${status.revocationDate.toISOString()}, ${status.reason}`;
    return [{ reason: "revoked", message, certificate }];
  }
  if (status.status === "good" || !isRequired || certificate.known.noRevAvail) return [];
  return [{ reason: "revocationUnknown", message: "nothing shows that it was not revoked", certificate }];
}
