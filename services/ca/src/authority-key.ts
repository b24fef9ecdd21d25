import { type KeyPolicy, KeyPurpose } from "@vcc-pki/proto/hsm";
import { defaultSignatureAlgorithm } from "@vcc-pki/x509";
import { authorityName } from "./authority-certificate.ts";
import type { Profile } from "./profile.ts";
import type { AuthorityPlan } from "./store/authorities.ts";

const DAY_SECONDS = 86_400;

/** What the hsm-gateway will let an authority's key do, whoever holds this service: sign under this issuer name, for this caller,
 *  certificates with no more usages and no longer life than its profiles have today. A profile that grows needs a new authority.
 *  `profiles` includes those of its OCSP responders. */
export function authorityKeyPolicy(
  plan: AuthorityPlan,
  organisationName: string,
  profiles: readonly Profile[],
  self: string,
): KeyPolicy {
  const mayIssueAuthorities = plan.pathLength !== 0;
  const lifetimes = profiles.map(({ validity }) => validity / 1_000);
  return {
    purpose: plan.parentId === undefined ? KeyPurpose.ROOT_CA : KeyPurpose.ISSUING_CA,
    organisation: plan.organisation,
    allowedCallers: [self],
    issuerNameDer: authorityName(organisationName, plan.commonName).der,
    signatureAlgorithms: [defaultSignatureAlgorithm(plan.keyAlgorithm)],
    rateLimitPerSecond: 0,
    quorumThreshold: plan.quorumThreshold,
    copyable: false,
    certificateLimits: {
      certificateAuthorities: mayIssueAuthorities,
      endEntities: profiles.length > 0,
      maxValiditySeconds: Math.max(...lifetimes, mayIssueAuthorities ? plan.validityDays * DAY_SECONDS : 0),
      extendedKeyUsages: [...new Set(profiles.flatMap((profile) => profile.extendedKeyUsageOids))],
    },
  };
}
