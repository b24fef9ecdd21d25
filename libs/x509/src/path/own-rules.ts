import type { Certificate } from "../certificate.ts";
import { equalBytes } from "../der/bytes.ts";
import { parsePolicyMappings } from "../extensions/policies.ts";
import { isValidDnsName } from "../names/dns.ts";
import { isMailbox } from "../names/email.ts";
import { isAbsoluteUri } from "../names/uri.ts";
import { OID } from "../oids.ts";
import { checkPublicKey, type KeyRequirements } from "../weak-keys/check-public-key.ts";
import { type Finding, findingOf } from "./path-failure.ts";

/** Extensions that validation acts on: these may be critical (RFC 5280 section 6.1.4 (o)). */
const UNDERSTOOD: ReadonlySet<string> = new Set([
  OID.keyUsage,
  OID.subjectAltName,
  OID.basicConstraints,
  OID.nameConstraints,
  OID.cRLDistributionPoints,
  OID.certificatePolicies,
  OID.policyMappings,
  OID.policyConstraints,
  OID.extKeyUsage,
  OID.inhibitAnyPolicy,
]);

/** In CA certificates also basicConstraints (section 4.2.1.9). */
const MUST_BE_CRITICAL: ReadonlySet<string> = new Set([
  OID.nameConstraints,
  OID.policyConstraints,
  OID.inhibitAnyPolicy,
]);

/** Extensions about the certificates below, which an end entity has none of. */
const CA_ONLY: ReadonlySet<string> = new Set([
  OID.nameConstraints,
  OID.policyConstraints,
  OID.inhibitAnyPolicy,
  OID.policyMappings,
]);

/** A rule of RFC 5280 section 4: true where it is broken. */
type Rule = readonly [what: string, isBroken: (certificate: Certificate, isAnchor: boolean) => unknown];

/** What conforming CAs MUST do. A certificate that differs was made by something else, and what it means is anyone's guess. */
const RULES: readonly Rule[] = [
  ["version is not 3", ({ version }) => version !== 3],
  // There are roots with the serial number 0; those who trust them do not do so by number.
  ["serial number is zero", ({ serial }, isAnchor) => !isAnchor && serial.every((octet) => octet === 0)],
  ["issuer is empty", ({ issuer }) => issuer.rdns.length === 0],
  ["subject of a CA is empty", ({ isCa, subject }) => isCa && subject.rdns.length === 0],
  [
    "subject is empty and subjectAltName is not critical",
    ({ subject, extensions }) =>
      subject.rdns.length === 0 && !extensions.some(({ oid, critical }) => oid === OID.subjectAltName && critical),
  ],
  [
    "an extension that must be critical is not",
    ({ extensions, isCa }) =>
      extensions.some(
        ({ oid, critical }) => !critical && (MUST_BE_CRITICAL.has(oid) || (isCa && oid === OID.basicConstraints)),
      ),
  ],
  ["a CA without subjectKeyIdentifier", ({ isCa, subjectKeyIdentifier }) => isCa && !subjectKeyIdentifier],
  [
    "no authorityKeyIdentifier",
    ({ authorityKeyIdentifier, issuer, subject }) => !authorityKeyIdentifier && !equalBytes(issuer.der, subject.der),
  ],
  ["keyCertSign without cA", ({ isCa, keyUsage }) => !isCa && keyUsage?.includes("keyCertSign")],
  [
    "constraints on other certificates in one of an end entity",
    ({ isCa, extensions }) => !isCa && extensions.some(({ oid }) => CA_ONLY.has(oid)),
  ],
  ["noRevAvail in a CA certificate", ({ isCa, known }) => isCa && known.noRevAvail], // RFC 9608 section 3
  [
    "anyPolicy is mapped",
    ({ extensions }) =>
      extensions.some(
        ({ oid, valueDer }) =>
          oid === OID.policyMappings &&
          parsePolicyMappings(valueDer).some((mapping) => Object.values(mapping).includes(OID.anyPolicy)),
      ),
  ],
  [
    "a name in subjectAltName is not one of its form",
    ({ subjectAltNames: { dns, email, uri } }) =>
      !dns.every((name) => isValidDnsName(name, { wildcard: true })) ||
      !email.every(isMailbox) ||
      !uri.every(isAbsoluteUri),
  ],
];

/** What is wrong with a certificate at this time, whatever stands around it in a path. */
export function findOwnFaults(certificate: Certificate, isAnchor: boolean, at: Date, keys: KeyRequirements): Finding[] {
  return [
    ...findTimeFaults(certificate, at),
    ...findKeyFaults(certificate, keys),
    ...certificate.extensions
      .filter(({ oid, critical }) => critical && !UNDERSTOOD.has(oid))
      .map(({ oid }): Finding => ({ reason: "criticalExtension", message: `critical extension ${oid}` })),
    ...RULES.flatMap((rule) => findBroken(rule, certificate, isAnchor)),
  ];
}

/** notAfter is the last second in which it is valid, and that second has fractions (section 4.1.2.5). */
function findTimeFaults({ notBefore, notAfter }: Certificate, at: Date): Finding[] {
  const second = Math.floor(at.getTime() / 1000) * 1000;
  if (second < notBefore.getTime())
    return [{ reason: "notYetValid", message: `valid from ${notBefore.toISOString()}` }];
  if (second > notAfter.getTime()) return [{ reason: "expired", message: `valid until ${notAfter.toISOString()}` }];
  return [];
}

function findKeyFaults({ spkiDer }: Certificate, keys: KeyRequirements): Finding[] {
  try {
    checkPublicKey(spkiDer, keys);
    return [];
  } catch (error) {
    return [findingOf(error)];
  }
}

function findBroken([message, isBroken]: Rule, certificate: Certificate, isAnchor: boolean): Finding[] {
  try {
    return isBroken(certificate, isAnchor) ? [{ reason: "malformed", message }] : [];
  } catch (error) {
    return [findingOf(error)];
  }
}
