import type { Certificate } from "../certificate.ts";
import { comparisonCount, findConstraintViolation } from "../names/constraint-check.ts";
import { findingOf, type PathFailure } from "./path-failure.ts";
import { isPolicyValid } from "./policies.ts";
import { findPurposeFault, mayIssueFor } from "./purpose.ts";
import { isSelfIssued } from "./self-issued.ts";

export interface PathRequirements {
  /** Key purpose, dotted; undefined: whatever it is for. */
  readonly purpose?: string;
  /** Certificate policies, dotted, one of which the path has to be valid under; undefined: any or none. */
  readonly policies?: readonly string[];
  /** How many CAs may stand between certificate and anchor, those not counted that are issued by themselves. Default: as many as fit. */
  readonly maxIntermediates?: number;
}

/** Comparisons of names with constraints that may still be made. */
export interface NameBudget {
  comparisons: number;
}

/** What is wrong with the certificates of a path in their places (RFC 5280 section 6.1): the certificate first, the anchor last, each
 *  signed by the next. Constraints in the anchor's own certificate count, too. */
export function findPathFaults(
  path: readonly Certificate[],
  requirements: PathRequirements,
  budget: NameBudget,
): PathFailure[] {
  const [leaf, ...issuers] = path as readonly [Certificate, ...Certificate[]];
  const { purpose, policies, maxIntermediates } = requirements;
  const purposeFault = purpose && findPurposeFault(leaf, purpose);
  const intermediates = issuers.slice(0, -1).filter((issuer) => !isSelfIssued(issuer)).length;
  return [
    ...(purposeFault ? [{ reason: "purpose", message: purposeFault, certificate: leaf } as const] : []),
    ...issuers.flatMap((issuer, i) => findIssuerFaults(issuer, path.slice(0, i + 1), purpose, budget)),
    ...(intermediates > (maxIntermediates ?? intermediates)
      ? [{ reason: "pathTooLong", message: `${intermediates} CAs in between`, certificate: leaf } as const]
      : []),
    ...findPolicyFaults(path, policies),
  ];
}

function findPolicyFaults(path: readonly Certificate[], policies?: readonly string[]): PathFailure[] {
  const [certificate] = path as readonly [Certificate];
  try {
    if (isPolicyValid(path, policies)) return [];
    return [{ reason: "policy", message: "not valid under any policy that would do", certificate }];
  } catch (error) {
    return [{ ...findingOf(error), certificate }];
  }
}

/** Section 6.1.4 (k) to (n) and 6.1.3 (b) and (c). `below`: the certificates from the end entity up to the one it signed. */
function findIssuerFaults(
  issuer: Certificate,
  below: readonly Certificate[],
  purpose: string | undefined,
  budget: NameBudget,
): PathFailure[] {
  const { isCa, keyUsage, basicConstraints, extendedKeyUsages } = issuer;
  const failures: PathFailure[] = [];
  const add = (reason: PathFailure["reason"], message: string) =>
    failures.push({ reason, message, certificate: issuer });

  if (!isCa) add("notACa", "an issuer is not a CA");
  else if (keyUsage && !keyUsage.includes("keyCertSign")) add("notACa", "a CA may not sign certificates");

  const casBelow = below.slice(1).filter((certificate) => !isSelfIssued(certificate)).length;
  const { pathLength = casBelow } = basicConstraints ?? {};
  if (casBelow > pathLength) add("pathLength", `${casBelow} CAs below one that admits ${pathLength}`);

  if (purpose && !mayIssueFor(extendedKeyUsages, purpose)) add("purpose", "a CA is for other purposes");

  return [...failures, ...findNameFaults(issuer, below, budget)];
}

/** Names of certificates that are issued by themselves are not looked at, but for the last (section 6.1.3 (b)). */
function findNameFaults(issuer: Certificate, below: readonly Certificate[], budget: NameBudget): PathFailure[] {
  const constraints = issuer.known.nameConstraints;
  if (constraints === undefined) return [];
  return below.flatMap((certificate, i) => {
    if (i > 0 && isSelfIssued(certificate)) return [];
    const { subject, subjectAltNames } = certificate;
    budget.comparisons -= comparisonCount(constraints, subject, subjectAltNames);
    const bad =
      budget.comparisons < 0
        ? "more names than we compare"
        : findConstraintViolation(constraints, subject, subjectAltNames);
    return bad === undefined ? [] : [{ reason: "nameConstraints", message: bad, certificate } as const];
  });
}
