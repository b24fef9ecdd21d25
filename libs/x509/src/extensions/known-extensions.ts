import { OID } from "../oids.ts";
import { parseAuthorityInfoAccess } from "./authority-info-access.ts";
import { parseBasicConstraints } from "./basic-constraints.ts";
import { parseCrlNumber, parseGeneralizedTime } from "./crl-extensions.ts";
import { parseDistributionPoints, parseIssuingDistributionPoint } from "./distribution-points.ts";
import type { Extension } from "./extension.ts";
import { parseAuthorityKeyIdentifier, parseSubjectKeyIdentifier } from "./key-identifiers.ts";
import { parseExtendedKeyUsage, parseKeyUsage, parsePrivateKeyUsagePeriod } from "./key-usage.ts";
import { parseNameConstraints } from "./name-constraints.ts";
import { parseCertificatePolicies, parseInhibitAnyPolicy, parsePolicyConstraints } from "./policies.ts";
import { parseNull } from "./revocation-flags.ts";
import { parseSubjectAltName } from "./subject-alt-name.ts";

/** How the value of each extension we understand is read. Each throws DER_MALFORMED. */
const PARSERS = {
  [OID.subjectKeyIdentifier]: (der: Uint8Array) => ({ subjectKeyIdentifier: parseSubjectKeyIdentifier(der) }),
  [OID.keyUsage]: (der: Uint8Array) => ({ keyUsage: parseKeyUsage(der) }),
  [OID.privateKeyUsagePeriod]: (der: Uint8Array) => ({ privateKeyUsagePeriod: parsePrivateKeyUsagePeriod(der) }),
  [OID.subjectAltName]: (der: Uint8Array) => ({ subjectAltName: parseSubjectAltName(der) }),
  [OID.basicConstraints]: (der: Uint8Array) => ({ basicConstraints: parseBasicConstraints(der) }),
  [OID.nameConstraints]: (der: Uint8Array) => ({ nameConstraints: parseNameConstraints(der) }),
  [OID.cRLDistributionPoints]: (der: Uint8Array) => ({ crlDistributionPoints: parseDistributionPoints(der) }),
  [OID.certificatePolicies]: (der: Uint8Array) => ({ certificatePolicies: parseCertificatePolicies(der) }),
  [OID.authorityKeyIdentifier]: (der: Uint8Array) => ({ authorityKeyIdentifier: parseAuthorityKeyIdentifier(der) }),
  [OID.policyConstraints]: (der: Uint8Array) => ({ policyConstraints: parsePolicyConstraints(der) }),
  [OID.extKeyUsage]: (der: Uint8Array) => ({ extendedKeyUsages: parseExtendedKeyUsage(der) }),
  [OID.freshestCRL]: (der: Uint8Array) => ({ freshestCrl: parseDistributionPoints(der) }),
  [OID.inhibitAnyPolicy]: (der: Uint8Array) => ({ inhibitAnyPolicy: parseInhibitAnyPolicy(der) }),
  [OID.noRevAvail]: (der: Uint8Array) => ({ noRevAvail: parseNull(der) }),
  [OID.authorityInfoAccess]: (der: Uint8Array) => ({ authorityInfoAccess: parseAuthorityInfoAccess(der) }),
  [OID.ocspNoCheck]: (der: Uint8Array) => ({ ocspNoCheck: parseNull(der) }),
  [OID.cRLNumber]: (der: Uint8Array) => ({ crlNumber: parseCrlNumber(der) }),
  [OID.deltaCRLIndicator]: (der: Uint8Array) => ({ deltaCrlIndicator: parseCrlNumber(der) }),
  [OID.issuingDistributionPoint]: (der: Uint8Array) => ({
    issuingDistributionPoint: parseIssuingDistributionPoint(der),
  }),
  [OID.expiredCertsOnCRL]: (der: Uint8Array) => ({ expiredCertsOnCrl: parseGeneralizedTime(der) }),
} as const;

type UnionToIntersection<U> = (U extends unknown ? (value: U) => void : never) extends (value: infer I) => void
  ? I
  : never;

/** Values of the extensions that are present and understood, by name. */
export type KnownExtensions = Partial<UnionToIntersection<ReturnType<(typeof PARSERS)[keyof typeof PARSERS]>>>;

/** Reads every extension we understand, so that a malformed one is found when the structure is parsed. Throws DER_MALFORMED. */
export function parseKnownExtensions(extensions: readonly Extension[]): KnownExtensions {
  const known: KnownExtensions = {};
  for (const { oid, valueDer } of extensions) {
    if (isKnown(oid)) Object.assign(known, PARSERS[oid](valueDer));
  }
  return known;
}

/** True if the extension is one that `parseKnownExtensions` reads. */
export const isKnown = (oid: string): oid is keyof typeof PARSERS => Object.hasOwn(PARSERS, oid);
