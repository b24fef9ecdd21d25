import { PkiError } from "@vcc-pki/errors";
import { isKeyAlgorithmId, isValidDnsName } from "@vcc-pki/x509";
import { type Actor, requireAdmin } from "./actor.ts";
import type { Authorities } from "./authorities.ts";
import { authorityName, authorityUsages } from "./authority-certificate.ts";
import { isAllowedName } from "./names.ts";
import type { Profile } from "./profile.ts";
import { KEY_PURPOSE_OIDS } from "./profile-config.ts";
import type { Profiles } from "./profiles.ts";
import type { Authority, AuthorityPlan, NameConstraints } from "./store/authorities.ts";

/** An authority as it was asked for. */
export interface AuthorityRequest {
  readonly authorityId: string;
  /** Empty: a root. */
  readonly parentId: string;
  readonly commonName: string;
  /** Empty: ec-p384. */
  readonly keyAlgorithm: string;
  /** 0: 20 years for a root, 10 for others. */
  readonly validityDays: number;
  readonly profiles: readonly string[];
  readonly mayIssueAuthorities: boolean;
  readonly nameConstraints: NameConstraints | undefined;
  readonly quorumThreshold: number;
}

const DEFAULT_KEY = "ec-p384";
const DEFAULT_DAYS = { root: 20 * 365, subordinate: 10 * 365 };
const MAX_DAYS = 40 * 365;

const malformed = (message: string) => new PkiError("REQUEST_MALFORMED", message);
const invalid = (message: string) => new PkiError("KEY_POLICY_INVALID", message);

/** Checks what was asked for and completes it. Throws REQUEST_MALFORMED, NOT_FOUND (parent), AUTHORITY_NOT_ACTIVE (parent),
 *  PROFILE_UNKNOWN, KEY_NOT_ALLOWED, NAME_NOT_ALLOWED, KEY_POLICY_INVALID, CALLER_NOT_ALLOWED. */
export function planAuthority(
  request: AuthorityRequest,
  actor: Actor,
  {
    authorities,
    profiles,
    operatorOrganisation,
  }: { authorities: Authorities; profiles: Profiles; operatorOrganisation: string },
): AuthorityPlan {
  requireAdmin(actor);
  const { organisation } = actor.organisation;
  const parent = request.parentId === "" ? undefined : authorities.getVisible(request.parentId, organisation);
  const issued = request.profiles.map((name) => profiles.get(name));
  const keyAlgorithm = request.keyAlgorithm || DEFAULT_KEY;
  if (!isKeyAlgorithmId(keyAlgorithm)) throw new PkiError("KEY_NOT_ALLOWED", `no keys of the kind ${keyAlgorithm}`);
  requireIdentity(request, actor);
  if (parent === undefined) requireRoot(request, organisation, operatorOrganisation);
  else requireBelow(request, parent, issued, actor, { authorities, profiles });
  requireProfiles(request, issued);
  requireConstraints(request, actor, operatorOrganisation);
  return {
    ...{
      organisation,
      authorityId: request.authorityId,
      parentId: parent?.authorityId,
      commonName: request.commonName,
    },
    ...{ keyAlgorithm, profiles: request.profiles, quorumThreshold: request.quorumThreshold },
    validityDays: request.validityDays || (parent ? DEFAULT_DAYS.subordinate : DEFAULT_DAYS.root),
    pathLength: parent === undefined ? undefined : request.mayIssueAuthorities ? 1 : 0,
    nameConstraints: request.nameConstraints,
  };
}

function requireIdentity({ authorityId, commonName, validityDays }: AuthorityRequest, actor: Actor): void {
  if (!/^[a-z][a-z0-9-]{1,62}[a-z0-9]$/.test(authorityId))
    throw malformed("an authority id is lower-case letters, digits, hyphens");
  if (commonName === "") throw malformed("an authority needs a common name");
  if (validityDays > MAX_DAYS)
    throw new PkiError("VALIDITY_NOT_ALLOWED", `an authority lives ${MAX_DAYS} days at most`);
  authorityName(actor.organisation.name, commonName); // throws NAME_MALFORMED
}

/** Roots are the operator's, issue authorities only, and never sign without custodians. */
function requireRoot(
  { profiles, quorumThreshold, nameConstraints }: AuthorityRequest,
  organisation: string,
  operator: string,
): void {
  if (organisation !== operator) throw new PkiError("CALLER_NOT_ALLOWED", "only the operator has roots");
  if (profiles.length > 0) throw invalid("a root issues authorities only");
  if (quorumThreshold < 1) throw invalid("a root needs a quorum");
  if (nameConstraints) throw malformed("a root has no name constraints");
}

/** The parent may issue authorities, deep enough, and its certificate admits what this one will issue. */
function requireBelow(
  request: AuthorityRequest,
  parent: Authority,
  issued: readonly Profile[],
  actor: Actor,
  { authorities, profiles }: { authorities: Authorities; profiles: Profiles },
): void {
  if (!authorities.mayUse(parent.authorityId, actor.organisation.organisation)) {
    throw new PkiError("CALLER_NOT_ALLOWED", "the organisation was not granted the use of the parent");
  }
  authorities.getActiveIssuer(parent.authorityId);
  const left = parent.pathLength ?? 2;
  if (left < (request.mayIssueAuthorities ? 2 : 1)) throw invalid("the parent may not issue such an authority");
  const parentUsages = authorityUsages(parent.profiles.flatMap((name) => profiles.find(name) ?? []));
  const outside = authorityUsages(issued).some((oid) => parentUsages.length > 0 && !parentUsages.includes(oid));
  if (outside) throw invalid("the parent's extended key usage does not admit these profiles");
}

/** An authority with profiles issues for one kind of use: nobody who can sign code can also pass for a server. */
function requireProfiles(
  { profiles, mayIssueAuthorities, parentId }: AuthorityRequest,
  issued: readonly Profile[],
): void {
  if (new Set(profiles).size !== profiles.length) throw malformed("a profile comes twice");
  if (profiles.length === 0 && !mayIssueAuthorities && parentId !== "")
    throw malformed("the authority could issue nothing");
  const usages = authorityUsages(issued);
  const { codeSigning, timeStamping } = KEY_PURPOSE_OIDS;
  if (usages.length > 1 && (usages.includes(codeSigning) || usages.includes(timeStamping))) {
    throw invalid("code signing and time stamping have authorities of their own");
  }
  if (profiles.length > 0 && usages.length === 0) throw invalid("an authority does not issue OCSP responders alone");
}

/** Authorities of other organisations than the operator are bound to names, and to their own. */
function requireConstraints(
  { nameConstraints, parentId }: AuthorityRequest,
  { organisation }: Actor,
  operator: string,
): void {
  if (nameConstraints === undefined) {
    if (organisation.organisation !== operator && parentId !== "")
      throw invalid("a partner's authority needs name constraints");
    return;
  }
  const { permittedDns, excludedDns } = nameConstraints;
  if (permittedDns.length === 0) throw malformed("name constraints without a permitted name");
  for (const name of [...permittedDns, ...excludedDns]) {
    if (!isValidDnsName(name)) throw new PkiError("NAME_MALFORMED", "not a DNS name");
  }
  // A permitted name admits everything below it, so it must be the organisation's with all below.
  const owned = (name: string) => isAllowedName(`*.${name}`, organisation.allowedNames);
  if (organisation.organisation !== operator && !permittedDns.every(owned)) {
    throw new PkiError("NAME_NOT_ALLOWED", "a permitted name is not one of the organisation's");
  }
}
