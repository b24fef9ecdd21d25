import { hash } from "node:crypto";
import { PkiError } from "@vcc-pki/errors";
import {
  attributeValues,
  authorityInfoAccess,
  authorityKeyIdentifier,
  basicConstraints,
  buildName,
  type Certificate,
  certificatePolicies,
  crlDistributionPoints,
  extendedKeyUsage,
  freshestCrl,
  keyUsage,
  type Name,
  noRevAvail,
  OID,
  ocspNoCheck,
  privateKeyUsagePeriod,
  sha1KeyIdentifier,
  subjectAltName,
  subjectKeyIdentifier,
} from "@vcc-pki/x509";
import { parse } from "yaml";
import { compilePattern, type RequestedNames } from "./names.ts";
import { KEY_PURPOSE_OIDS, ProfileConfig } from "./profile-config.ts";

/** One version of a profile, ready to be used. */
export interface Profile extends ProfileConfig {
  readonly version: number;
  /** The YAML as loaded. */
  readonly yaml: string;
  readonly sha256: Uint8Array;
  /** certificatePolicies of what it issues. */
  readonly policyOid: string;
  readonly extendedKeyUsageOids: readonly string[];
  /** What keys are certified for. A key certified for one purpose is not certified for another. */
  readonly purpose: string;
}

/** True if it is for delegated OCSP responders. */
export const isForResponders = ({ status }: Pick<ProfileConfig, "status">): boolean => status === "ocsp-no-check";

/** What a certificate takes from its issuer. */
export interface IssuerFacts {
  readonly keyIdentifier: Uint8Array;
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** Its lists by shard, with where changes are found if there are delta lists. */
  readonly lists: readonly { readonly url: string; readonly deltaUrl: string | undefined }[];
  readonly ocspUrl: string | undefined;
  readonly caIssuersUrl: string;
}

/** Reads one file of `deploy/profiles`. Throws CONFIG_INVALID with the reason. */
export function parseProfile(yaml: string, policyArc: string): Omit<Profile, "version"> {
  const result = ProfileConfig.safeParse(parse(yaml));
  if (!result.success) {
    const [issue] = result.error.issues;
    throw new PkiError("CONFIG_INVALID", `profile: ${issue?.path.join(".")}: ${issue?.message}`);
  }
  const config = result.data;
  for (const pattern of config.names.dns?.patterns ?? []) compilePattern(pattern);
  return {
    ...config,
    yaml,
    sha256: hash("sha256", yaml, "buffer"),
    policyOid: `${policyArc}.${config.policy}`,
    extendedKeyUsageOids: config.extendedKeyUsage.map((purpose) => KEY_PURPOSE_OIDS[purpose]),
    purpose: config.extendedKeyUsage.toSorted().join("+"),
  };
}

/** True if the profile admits keys of this kind ("ec-p256", "rsa-3072"). */
export function admitsKey({ keyAlgorithms, minimumRsaBits }: ProfileConfig, keyAlgorithm: string): boolean {
  const bits = /^rsa-(\d+)$/.exec(keyAlgorithm)?.[1];
  return bits === undefined
    ? keyAlgorithms.includes(keyAlgorithm)
    : keyAlgorithms.includes("rsa") && Number(bits) >= minimumRsaBits;
}

export interface ValidityRules {
  /** How far notBefore lies in the past, for peers whose clocks are behind. Part of the lifetime. */
  readonly backdateMs: number;
  /** What happens to a certificate that would outlive its issuer. */
  readonly beyondIssuer: "truncate" | "refuse";
}

/** Shortest lifetime anyone may ask for, beside the backdating. */
const MINIMUM_LIFETIME_MS = 60_000;

/** notBefore and notAfter, both inclusive (RFC 5280 section 4.1.2.5): lifetime = notAfter - notBefore + 1 s. Never outside the
 *  issuer's own. `requestedMs` may shorten the profile's lifetime. Throws VALIDITY_NOT_ALLOWED. */
export function validityOf(
  profile: Pick<ProfileConfig, "validity">,
  issuer: Pick<IssuerFacts, "notBefore" | "notAfter">,
  now: Date,
  rules: ValidityRules,
  requestedMs?: number,
): { notBefore: Date; notAfter: Date } {
  const lifetimeMs = requestedMs ?? profile.validity;
  if (lifetimeMs > profile.validity) throw notAllowed("longer than the profile admits");
  if (lifetimeMs < rules.backdateMs + MINIMUM_LIFETIME_MS) throw notAllowed("too short");
  const start = Math.max(wholeSecond(now.getTime() - rules.backdateMs), issuer.notBefore.getTime());
  const end = start + wholeSecond(lifetimeMs) - 1_000;
  const latest = issuer.notAfter.getTime();
  if (end > latest && rules.beyondIssuer === "refuse") throw notAllowed("longer than the issuer lives");
  if (now.getTime() >= latest) throw notAllowed("the issuer's certificate has expired");
  return { notBefore: new Date(start), notAfter: new Date(Math.min(end, latest)) };
}

const notAllowed = (why: string) => new PkiError("VALIDITY_NOT_ALLOWED", `the lifetime is ${why}`);
const wholeSecond = (ms: number) => Math.floor(ms / 1_000) * 1_000;

/** RFC 5280 appendix A.1, ub-common-name. */
const MAX_COMMON_NAME = 64;

/** O is the organisation; CN repeats the first name if it fits, and is nothing more than that. */
export function subjectOf(organisationName: string, names: RequestedNames): Name {
  const [commonName] = [...names.dns, ...names.uri, ...names.email, ...names.ip];
  const fits = commonName !== undefined && commonName.length <= MAX_COMMON_NAME;
  return buildName(
    fits
      ? [
          ["O", organisationName],
          ["CN", commonName],
        ]
      : [["O", organisationName]],
  );
}

/** The name of an authority's OCSP responder: in the authority's own organisation, where name constraints on it admit every name. Its
 *  blank keeps the CN from being taken for a DNS name. */
export function responderName({ subject }: Pick<Certificate, "subject">, authorityId: string): Name {
  const [organisationName = ""] = attributeValues(subject, OID.organizationName);
  return buildName([
    ["O", organisationName],
    ["CN", `OCSP ${authorityId}`.slice(0, MAX_COMMON_NAME)],
  ]);
}

export interface LeafFields {
  readonly names: RequestedNames;
  readonly spkiDer: Uint8Array;
  readonly keyAlgorithm: string;
  readonly notBefore: Date;
  /** Which of the issuer's lists it is on. */
  readonly crlShard: number;
}

/** Builds the extensions of end-entity certificates of one profile under one issuer. What does not depend on the request is
 *  encoded once. */
export function extensionsFor(profile: Profile, issuer: IssuerFacts): (leaf: LeafFields) => Uint8Array[] {
  const before = (usages: readonly ("digitalSignature" | "nonRepudiation" | "keyEncipherment")[]) => [
    basicConstraints({ ca: false }),
    keyUsage(usages),
    extendedKeyUsage(profile.extendedKeyUsageOids, profile.extendedKeyUsageCritical),
  ];
  const ofRsa = before([...profile.keyUsage, ...profile.keyUsageRsa]);
  const ofOthers = before(profile.keyUsage); // keyEncipherment is for RSA key transport alone (RFC 8813 section 3)
  const after = issuer.lists.map((_, shard) => [
    authorityKeyIdentifier(issuer.keyIdentifier),
    certificatePolicies([profile.policyOid]),
    ...statusExtensions(profile, issuer, shard),
  ]);
  return ({ names, spkiDer, keyAlgorithm, notBefore, crlShard }) => [
    ...(keyAlgorithm.startsWith("rsa-") ? ofRsa : ofOthers),
    ...privateKeyUsage(profile, notBefore),
    ...(profile.names.certified ? [subjectAltName(names)] : []),
    subjectKeyIdentifier(sha1KeyIdentifier(spkiDer)),
    ...(after[crlShard] ?? []),
  ];
}

/** Where to learn whether it was revoked, or why one need not ask. */
function statusExtensions(profile: Profile, issuer: IssuerFacts, crlShard: number): Uint8Array[] {
  const { ocspUrl, caIssuersUrl } = issuer;
  const caIssuers = [caIssuersUrl];
  switch (profile.status) {
    case "crl-and-ocsp":
      return [
        authorityInfoAccess({ caIssuers, ocsp: ocspUrl === undefined ? [] : [ocspUrl] }),
        ...listExtensions(issuer, crlShard),
      ];
    case "no-rev-avail":
      return [authorityInfoAccess({ caIssuers }), noRevAvail()];
    case "ocsp-no-check":
      return [authorityInfoAccess({ caIssuers }), ocspNoCheck()];
  }
}

/** Where its list is (RFC 5280 section 4.2.1.13), and what has changed since (section 4.2.1.15). */
export function listExtensions({ lists }: IssuerFacts, crlShard: number): Uint8Array[] {
  const list = lists[crlShard];
  if (list === undefined) throw new Error(`there is no list ${crlShard}`);
  return [crlDistributionPoints([list.url]), ...(list.deltaUrl === undefined ? [] : [freshestCrl([list.deltaUrl])])];
}

function privateKeyUsage(profile: Profile, notBefore: Date): Uint8Array[] {
  if (profile.privateKeyUsage === undefined) return [];
  return [
    privateKeyUsagePeriod({ notBefore, notAfter: new Date(notBefore.getTime() + profile.privateKeyUsage - 1_000) }),
  ];
}
