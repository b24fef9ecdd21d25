import {
  authorityInfoAccess,
  authorityKeyIdentifier,
  basicConstraints,
  buildName,
  buildTbsCertificate,
  certificatePolicies,
  defaultSignatureAlgorithm,
  extendedKeyUsage,
  keyUsage,
  type Name,
  nameConstraints,
  OID,
  onlyTheseNames,
  sha1KeyIdentifier,
  subjectKeyIdentifier,
} from "@vcc-pki/x509";
import type { Issuer } from "./issuer.ts";
import { listExtensions, type Profile } from "./profile.ts";
import { KEY_PURPOSE_OIDS } from "./profile-config.ts";
import type { AuthorityPlan, NameConstraints } from "./store/authorities.ts";

const DAY_MS = 86_400_000;

/** The name of an authority: also the only issuer name its key may ever sign under. */
export const authorityName = (organisationName: string, commonName: string): Name =>
  buildName([
    ["O", organisationName],
    ["CN", commonName],
  ]);

export interface AuthorityCertificateFields {
  readonly plan: AuthorityPlan;
  readonly organisationName: string;
  readonly spkiDer: Uint8Array;
  readonly serial: Uint8Array;
  /** undefined: a root, which signs itself. */
  readonly parent: Issuer | undefined;
  /** What the authority may issue, its OCSP responders included. */
  readonly profiles: readonly Profile[];
  readonly now: Date;
  /** How far notBefore lies in the past, for peers whose clocks are behind. */
  readonly backdateMs: number;
}

/** TBSCertificate of an authority (RFC 5280 section 4.2, checklist 1.6, 1.12 to 1.14). */
export function buildAuthorityTbs(fields: AuthorityCertificateFields): Uint8Array {
  const { plan, organisationName, spkiDer, serial, parent } = fields;
  const subject = authorityName(organisationName, plan.commonName);
  const { notBefore, notAfter } = authorityValidity(fields);
  const keyIdentifier = sha1KeyIdentifier(spkiDer);
  return buildTbsCertificate({
    ...{ serial, subject, spkiDer, notBefore, notAfter },
    signatureAlgorithm: parent?.signer.algorithm ?? defaultSignatureAlgorithm(plan.keyAlgorithm),
    issuer: parent?.certificate.subject ?? subject,
    extensions: [
      basicConstraints({ ca: true, pathLength: plan.pathLength }),
      keyUsage(["keyCertSign", "cRLSign"]),
      subjectKeyIdentifier(keyIdentifier),
      ...(parent ? subordinateExtensions(fields, parent) : []),
    ],
  });
}

function authorityValidity({ plan, parent, now, backdateMs }: AuthorityCertificateFields) {
  const start = Math.max(
    Math.floor((now.getTime() - backdateMs) / 1_000) * 1_000,
    parent?.facts.notBefore.getTime() ?? 0,
  );
  const end = start + plan.validityDays * DAY_MS - 1_000;
  return { notBefore: new Date(start), notAfter: new Date(Math.min(end, parent?.facts.notAfter.getTime() ?? end)) };
}

function subordinateExtensions(
  { plan, organisationName, profiles }: AuthorityCertificateFields,
  parent: Issuer,
): Uint8Array[] {
  const { keyIdentifier, caIssuersUrl, ocspUrl } = parent.facts;
  const usages = authorityUsages(profiles);
  return [
    authorityKeyIdentifier(keyIdentifier),
    ...(usages.length > 0 ? [extendedKeyUsage(usages)] : []),
    certificatePolicies(plan.profiles.length > 0 ? policiesOf(profiles) : [OID.anyPolicy]),
    ...(plan.nameConstraints ? [constraints(plan.nameConstraints, organisationName)] : []),
    authorityInfoAccess({ caIssuers: [caIssuersUrl], ocsp: ocspUrl === undefined ? [] : [ocspUrl] }),
    ...listExtensions(parent.facts, 0),
  ];
}

/** The key purposes an authority's certificate is limited to. Never OCSPSigning: its holder could vouch for itself. */
export const authorityUsages = (profiles: readonly Profile[]): string[] =>
  [...new Set(profiles.flatMap((profile) => profile.extendedKeyUsageOids))].filter(
    (oid) => oid !== KEY_PURPOSE_OIDS.OCSPSigning,
  );

const policiesOf = (profiles: readonly Profile[]): string[] => [...new Set(profiles.map(({ policyOid }) => policyOid))];

/** The DNS names that are permitted and the organisation's own directory names; every other form is shut. */
function constraints({ permittedDns, excludedDns }: NameConstraints, organisationName: string): Uint8Array {
  const { permitted, excluded } = onlyTheseNames({
    dns: permittedDns,
    directory: [buildName([["O", organisationName]])],
  });
  return nameConstraints({ permitted, excluded: { ...excluded, dns: [...(excluded?.dns ?? []), ...excludedDns] } });
}
