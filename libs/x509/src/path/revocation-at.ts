import type { Certificate } from "../certificate.ts";
import type { CertificateList } from "../crl.ts";
import type { RevocationReason } from "../crl-entry.ts";
import type { OcspResponse } from "../ocsp/response.ts";
import type { KeyRequirements } from "../weak-keys/check-public-key.ts";
import { crlStatement } from "./crl-statement.ts";
import { ocspStatement } from "./ocsp-statement.ts";
import type { Revocation, RevocationSource, RevocationStatement } from "./revocation-statement.ts";

/** Lists and responses about any certificates, in any order; those that do not help are passed over. */
export interface RevocationEvidence {
  readonly crls?: readonly CertificateList[];
  readonly ocspResponses?: readonly OcspResponse[];
  /** The present. What is dated later does not show that a certificate is good: CAs sign lists in advance. Default: all counts. */
  readonly now?: Date;
  /** For the keys of OCSP responders. */
  readonly keys?: KeyRequirements;
}

export type RevocationStatus =
  | { readonly status: "good"; readonly source: RevocationSource }
  | ({ readonly status: "revoked"; readonly source: RevocationSource } & Revocation)
  | { readonly status: "unknown" };

/** Reasons that leave what was signed before the revocation as it is. */
const LEAVES_THE_PAST: ReadonlySet<RevocationReason> = new Set([
  "affiliationChanged",
  "superseded",
  "cessationOfOperation",
  "certificateHold",
  "privilegeWithdrawn",
]);

/**
 * Whether a certificate was revoked at a point in time, as far as is known from this evidence. Signatures, scope and responders are
 * verified; `issuer` is not: see `validatePath`. The evidence may be younger than `at`, for a later list says more about an earlier time.
 *
 * - Revoked: anything rightly signed by the issuer, also a delta CRL or one that has run out, says that it was revoked at `at` or before, or
 *   has been invalid since then (invalidityDate). A key that was compromised was never good, unless an invalidityDate after `at` says since
 *   when it was not; "unspecified", which is also what a missing reason reads as, is taken for that (compare RFC 3161 section 4). The other
 *   reasons leave earlier times alone.
 * - Good: none of these, and a complete list or a response covers `at` or was issued after it. One issued after the certificate expired
 *   counts only if it says that it keeps such certificates (expiredCertsOnCRL, archiveCutoff).
 * - Unknown: neither. A hold on a list that has run out is taken to last when nothing newer is there.
 */
export function revocationAt(
  certificate: Certificate,
  issuer: Certificate,
  at: Date,
  evidence: RevocationEvidence,
): RevocationStatus {
  const statements = findStatements(certificate, issuer, evidence);
  const revoked = statements.filter((statement) => isRevokedAt(statement, at, statements));
  const lasting = revoked.filter((statement) => !isReleasable(statement, at));
  if (lasting.length > 0) return revokedStatus(lasting);
  const good = statements.filter(
    ({ isComplete, thisUpdate, nextUpdate }) =>
      isComplete && nextUpdate !== undefined && nextUpdate >= at && thisUpdate <= (evidence.now ?? thisUpdate),
  );
  const newest = good.toSorted((a, b) => b.thisUpdate.getTime() - a.thisUpdate.getTime())[0];
  const holds = revoked.filter(({ thisUpdate }) => newest === undefined || thisUpdate > newest.thisUpdate);
  if (holds.length > 0) return revokedStatus(holds);
  return newest === undefined ? { status: "unknown" } : { status: "good", source: newest.source };
}

function findStatements(
  certificate: Certificate,
  issuer: Certificate,
  { crls = [], ocspResponses = [], now, keys = {} }: RevocationEvidence,
): RevocationStatement[] {
  // A responder's own status comes from lists alone, or responders could vouch for each other.
  const isGood = (responder: Certificate, at: Date) =>
    revocationAt(responder, issuer, at, { crls, ...(now && { now }), keys }).status === "good";
  return [
    ...crls.map((crl) => crlStatement(crl, certificate, issuer)),
    ...ocspResponses.map((response) => ocspStatement(response, certificate, issuer, { keys, isGood })),
  ].filter((statement) => statement !== undefined);
}

function isRevokedAt({ revocation }: RevocationStatement, at: Date, all: readonly RevocationStatement[]): boolean {
  if (revocation === undefined) return false;
  const { revocationDate, reason } = revocation;
  const invalidityDate = revocation.invalidityDate ?? findInvalidityDate(revocation, all);
  if (revocationDate <= at || (invalidityDate !== undefined && invalidityDate <= at)) return true;
  return !LEAVES_THE_PAST.has(reason) && invalidityDate === undefined;
}

/** OCSP responses carry no invalidityDate; the list with the same revocation may. */
function findInvalidityDate({ revocationDate, reason }: Revocation, all: readonly RevocationStatement[]) {
  const same = all.find(
    ({ revocation }) =>
      revocation?.invalidityDate !== undefined &&
      revocation.reason === reason &&
      revocation.revocationDate.getTime() === revocationDate.getTime(),
  );
  return same?.revocation?.invalidityDate;
}

/** A hold may have ended since a list ran out. */
const isReleasable = ({ revocation, nextUpdate }: RevocationStatement, at: Date): boolean =>
  revocation?.reason === "certificateHold" && nextUpdate !== undefined && nextUpdate < at;

/** Of several revocations the earliest. */
function revokedStatus(statements: readonly RevocationStatement[]): RevocationStatus {
  const [first] = statements.toSorted(
    (a, b) => (a.revocation?.revocationDate.getTime() ?? 0) - (b.revocation?.revocationDate.getTime() ?? 0),
  );
  const { source, revocation } = first as RevocationStatement & { revocation: Revocation };
  const { revocationDate, reason, invalidityDate } = revocation;
  return { status: "revoked", source, revocationDate, reason, invalidityDate };
}
