import type { TbsCertificate } from "../certificate.ts";
import { equalBytes } from "../der/bytes.ts";
import { DerReader } from "../der/reader.ts";
import { isKnown } from "../extensions/known-extensions.ts";
import { isAbsoluteUri } from "../names/uri.ts";
import { OID } from "../oids.ts";
import { sha1KeyIdentifier } from "../spki.ts";
import type { Rule } from "./rule.ts";

/** RFC 5280 section 4.2.1, RFC 9608 section 2, RFC 6960 section 4.2.2.2.1. subjectAltName and extKeyUsage have rules of their own. */
const MUST_BE_CRITICAL: ReadonlySet<string> = new Set([
  OID.basicConstraints,
  OID.keyUsage,
  OID.nameConstraints,
  OID.policyConstraints,
  OID.inhibitAnyPolicy,
]);
const NEVER_CRITICAL: ReadonlySet<string> = new Set([
  OID.authorityKeyIdentifier,
  OID.subjectKeyIdentifier,
  OID.authorityInfoAccess,
  OID.cRLDistributionPoints,
  OID.freshestCRL,
  OID.certificatePolicies,
  OID.privateKeyUsagePeriod,
  OID.noRevAvail,
  OID.ocspNoCheck,
]);

/** Rules on extensions as such, key identifiers, CA certificates and revocation. */
export const EXTENSION_RULES: readonly Rule<TbsCertificate>[] = [
  [
    "must-be-critical",
    ({ extensions }) => {
      const bad = extensions.find(({ oid, critical }) => MUST_BE_CRITICAL.has(oid) && !critical);
      return bad && `extension ${bad.oid} must be critical`;
    },
  ],
  [
    "never-critical",
    ({ extensions }) => {
      const bad = extensions.find(({ oid, critical }) => NEVER_CRITICAL.has(oid) && critical);
      return bad && `extension ${bad.oid} must not be critical`;
    },
  ],
  [
    "unknown-critical-extension",
    ({ extensions }) => {
      const bad = extensions.find(({ oid, critical }) => critical && !isKnown(oid));
      return bad && `critical extension ${bad.oid} is not one we understand`;
    },
  ],
  [
    "extension-der",
    ({ extensions }) => {
      const bad = extensions.find(({ valueDer }) => !isDer(valueDer));
      return bad && `value of extension ${bad.oid} is not DER`;
    },
  ],
  [
    "crl-extension",
    ({ known }) =>
      (known.crlNumber ?? known.deltaCrlIndicator ?? known.issuingDistributionPoint ?? known.expiredCertsOnCrl) !==
        undefined && "an extension of CRLs stands in a certificate",
  ],

  [
    "subject-key-identifier",
    ({ subjectKeyIdentifier, spkiDer }) =>
      !(subjectKeyIdentifier && equalBytes(subjectKeyIdentifier, sha1KeyIdentifier(spkiDer))) &&
      "subjectKeyIdentifier is not the SHA-1 of the key",
  ],
  [
    "authority-key-identifier",
    ({ authorityKeyIdentifier, known, subjectKeyIdentifier }, issuer) => {
      if (known.authorityKeyIdentifier === undefined) return issuer && "authorityKeyIdentifier is missing";
      const expected = issuer ? issuer.subjectKeyIdentifier : subjectKeyIdentifier;
      const agrees = authorityKeyIdentifier && expected && equalBytes(authorityKeyIdentifier, expected);
      return !agrees && "authorityKeyIdentifier is not the issuer's subjectKeyIdentifier";
    },
  ],
  [
    "authority-key-identifier-only-key",
    ({ known }) => known.authorityKeyIdentifier?.namesIssuer && "authorityKeyIdentifier names issuer and serial number",
  ],

  ["root-is-ca", (tbs, issuer) => !issuer && !tbs.isCa && "a self-signed certificate is not a CA's"],
  [
    "issuer-may-issue",
    (_, issuer) =>
      issuer && !(issuer.isCa && issuer.keyUsage?.includes("keyCertSign")) && "the issuer may not sign certificates",
  ],
  ["path-length", (tbs, issuer) => findPathLengthViolation(tbs, issuer?.basicConstraints?.pathLength)],
  [
    "ca-only-extensions",
    ({ isCa, known }) =>
      !isCa &&
      (known.nameConstraints ?? known.policyConstraints ?? known.inhibitAnyPolicy) !== undefined &&
      "constraints on lower certificates stand in an end-entity certificate",
  ],
  [
    "any-policy",
    ({ isCa, known }) => !isCa && known.certificatePolicies?.includes(OID.anyPolicy) && "anyPolicy is for CAs only",
  ],

  [
    "no-rev-avail",
    ({ known, isCa, crlDistributionPoints, ocspUrls }) => {
      if (!known.noRevAvail) return undefined;
      if (isCa) return "noRevAvail is for end entities only"; // RFC 9608 section 3
      const pointsSomewhere = crlDistributionPoints.length > 0 || ocspUrls.length > 0 || known.freshestCrl;
      return pointsSomewhere && "noRevAvail beside places to look for revocation";
    },
  ],
  [
    "ocsp-no-check",
    ({ known, extendedKeyUsages }) =>
      (known.ocspNoCheck ?? false) !== (extendedKeyUsages?.includes(OID.ocspSigning) ?? false) &&
      "id-pkix-ocsp-nocheck and the key purpose OCSPSigning go together",
  ],
  [
    "access-urls",
    ({ crlDistributionPoints, ocspUrls, caIssuerUrls, known }) => {
      const urls = [...crlDistributionPoints, ...(known.freshestCrl ?? []), ...ocspUrls, ...caIssuerUrls];
      const bad = urls.find((url) => !(url.startsWith("http://") && isAbsoluteUri(url)));
      return bad !== undefined && `not an http URL: ${bad}`; // https would need the certificate it helps to check
    },
  ],
  [
    "private-key-usage-period",
    ({ known, notBefore, notAfter }) => {
      const { notBefore: from = notBefore, notAfter: to = notAfter } = known.privateKeyUsagePeriod ?? {};
      return (from < notBefore || to > notAfter || to < from) && "privateKeyUsagePeriod is not within the validity";
    },
  ],
];

/** RFC 5280 section 4.2.1.9: how many CAs may follow below the issuer. */
function findPathLengthViolation({ isCa, basicConstraints }: TbsCertificate, limit: number | undefined) {
  if (!isCa || limit === undefined) return undefined;
  if (limit === 0) return "the issuer's path length admits no CA below it";
  const own = basicConstraints?.pathLength;
  return (own === undefined || own >= limit) && "path length is not below the issuer's";
}

function isDer(valueDer: Uint8Array): boolean {
  try {
    const reader = DerReader.over(valueDer);
    reader.skipChecked();
    reader.end();
    return true;
  } catch {
    return false;
  }
}
