import type { Certificate } from "../certificate.ts";
import { parsePolicyMappings } from "../extensions/policies.ts";
import { OID } from "../oids.ts";
import { isSelfIssued } from "./self-issued.ts";

/**
 * True if the path is valid under one of `acceptable` policies, or under some policy or none when that is undefined and no certificate
 * insists on one (RFC 5280 section 6.1). Mapping of policies is inhibited from the start (initial-policy-mapping-inhibit, section
 * 6.1.1 (e)): a policy that a CA maps to another ends there. Without mapping, the tree of section 6.1.2 (a) is one set of policies for each
 * certificate, so that nothing can grow as RFC 9618 describes.
 *
 * What section 6.1.3 (f) looks at in each certificate is looked at in the end: an empty set stays empty, and a counter at 0 stays there.
 *
 * `path`: the end entity first, the anchor last. What the anchor says counts as well; when it names no policy it stands for all.
 */
export function isPolicyValid(path: readonly Certificate[], acceptable?: readonly string[]): boolean {
  let policies: ReadonlySet<string> = new Set([OID.anyPolicy]);
  let explicitPolicy = acceptable ? 0 : path.length + 1;
  let inhibitAny = path.length + 1;

  for (let i = path.length - 1; i >= 0; i--) {
    const certificate = path[i] as Certificate;
    const isFinal = i === 0;
    if (i < path.length - 1 || certificate.known.certificatePolicies !== undefined) {
      policies = policiesAfter(policies, certificate, inhibitAny > 0 || (!isFinal && isSelfIssued(certificate)));
    }

    // Sections 6.1.4 (h) to (j) and 6.1.5 (a) and (b).
    const { policyConstraints: constraints, inhibitAnyPolicy } = certificate.known;
    if (isFinal) {
      if (constraints?.requireExplicitPolicy === 0) explicitPolicy = 0;
      explicitPolicy = Math.max(0, explicitPolicy - 1);
      break;
    }
    policies = withoutMapped(policies, certificate);
    if (!isSelfIssued(certificate)) {
      explicitPolicy = Math.max(0, explicitPolicy - 1);
      inhibitAny = Math.max(0, inhibitAny - 1);
    }
    explicitPolicy = Math.min(explicitPolicy, constraints?.requireExplicitPolicy ?? explicitPolicy);
    inhibitAny = Math.min(inhibitAny, inhibitAnyPolicy ?? inhibitAny);
  }
  return explicitPolicy > 0 || isAccepted(policies, acceptable);
}

/** Section 6.1.3 (d) and (e). */
function policiesAfter(before: ReadonlySet<string>, { known }: Certificate, mayBeAny: boolean): Set<string> {
  const own = known.certificatePolicies ?? [];
  const kept = own.filter((oid) => oid !== OID.anyPolicy && (before.has(oid) || before.has(OID.anyPolicy)));
  return new Set(mayBeAny && own.includes(OID.anyPolicy) ? [...kept, ...before] : kept);
}

/** Section 6.1.4 (b) (2). */
function withoutMapped(policies: ReadonlySet<string>, { extensions }: Certificate): Set<string> {
  const mapped = extensions
    .filter(({ oid }) => oid === OID.policyMappings)
    .flatMap(({ valueDer }) => parsePolicyMappings(valueDer))
    .map(({ issuerDomainPolicy }) => issuerDomainPolicy);
  return new Set([...policies].filter((oid) => !mapped.includes(oid)));
}

/** Section 6.1.5 (g). */
function isAccepted(policies: ReadonlySet<string>, acceptable: readonly string[] = [OID.anyPolicy]): boolean {
  if (acceptable.includes(OID.anyPolicy)) return policies.size > 0;
  return acceptable.some((oid) => policies.has(oid) || policies.has(OID.anyPolicy));
}
