import { PkiError } from "@vcc-pki/errors";
import { isKeyAlgorithmId, signatureAlgorithmOf } from "../algorithms.ts";
import { MAX_CHARACTERS_BY_OID } from "../attribute-types.ts";
import type { TbsCertificate } from "../certificate.ts";
import { equalBytes } from "../der/bytes.ts";
import { TAG } from "../der/tags.ts";
import type { Name } from "../name.ts";
import { OID } from "../oids.ts";
import { bitLength } from "../spki.ts";
import type { Rule } from "./rule.ts";

/** Rules on the basic fields of a certificate (RFC 5280 section 4.1). */
export const FIELD_RULES: readonly Rule<TbsCertificate>[] = [
  ["version-3", ({ version }) => version !== 3 && "version is not 3"],
  ["no-unique-identifiers", ({ hasUniqueIdentifiers }) => hasUniqueIdentifiers && "unique identifiers are obsolete"],
  ["serial-64-bits", ({ serial }) => bitLength(stripSign(serial)) < 64 && "serial number has fewer than 64 bits"],
  ["validity-order", ({ notBefore, notAfter }) => notAfter < notBefore && "notAfter lies before notBefore"],
  [
    "validity-within-issuer",
    ({ notBefore, notAfter }, issuer) =>
      issuer && (notBefore < issuer.notBefore || notAfter > issuer.notAfter) && "validity exceeds the issuer's",
  ],
  [
    "issuer-name",
    (tbs, issuer) =>
      !equalBytes(tbs.issuer.der, (issuer ?? tbs).subject.der) &&
      "issuer is not the issuing CA's subject octet for octet",
  ],
  ["issuer-name-empty", ({ issuer }) => issuer.rdns.length === 0 && "issuer is the empty name"],
  ["ca-subject", (tbs) => tbs.isCa && tbs.subject.rdns.length === 0 && "a CA's subject is the empty name"],
  ["signature-algorithm", (tbs, issuer) => findAlgorithmMismatch(tbs, (issuer ?? tbs).keyAlgorithm)],
  ["key-algorithm", ({ keyAlgorithm }) => !isCertifiable(keyAlgorithm) && `no certificates for ${keyAlgorithm} keys`],
  [
    "key-differs-from-issuer",
    ({ spkiDer }, issuer) => issuer && equalBytes(spkiDer, issuer.spkiDer) && "key is the issuing CA's own",
  ],
  ["subject-characters", ({ subject }) => findBadCharacters(subject)],
  ["subject-string-types", ({ subject }) => findBadStringType(subject)],
  ["subject-lengths", ({ subject }) => findOverlong(subject)],
];

/** Says why the structure's AlgorithmIdentifier does not fit the key that is to sign it. */
export function findAlgorithmMismatch(
  { signatureAlgorithmDer }: { readonly signatureAlgorithmDer: Uint8Array },
  issuerKeyAlgorithm: string,
): string | undefined {
  try {
    signatureAlgorithmOf(signatureAlgorithmDer, issuerKeyAlgorithm);
    return undefined;
  } catch (error) {
    if (error instanceof PkiError && error.code === "ALGORITHM_NOT_ALLOWED") return error.message;
    throw error;
  }
}

const stripSign = (integer: Uint8Array): Uint8Array => (integer[0] === 0 ? integer.subarray(1) : integer);

/** RSA sizes are for `checkPublicKey` and the profile to decide; below 2048 bits nobody does. */
function isCertifiable(keyAlgorithm: string): boolean {
  const [, rsaBits] = /^rsa-(\d+)$/.exec(keyAlgorithm) ?? [];
  return rsaBits === undefined ? isKeyAlgorithmId(keyAlgorithm) : Number(rsaBits) >= 2048;
}

/** Control, format (bidirectional, zero-width), private-use and unassigned characters, and blanks at either end. */
function findBadCharacters(subject: Name): string | undefined {
  const bad = subject.rdns.flat().find(({ value }) => value === undefined || /\p{C}|^\s|\s$/u.test(value));
  return bad && `subject attribute ${bad.oid} contains characters that cannot be shown, or blanks at an end`;
}

/** RFC 5280 section 4.1.2.4 and appendix A.1: which string type an attribute may have. */
const STRING_TYPES: Readonly<Record<string, readonly number[]>> = {
  [OID.countryName]: [TAG.PRINTABLE_STRING],
  [OID.serialNumber]: [TAG.PRINTABLE_STRING],
  [OID.dnQualifier]: [TAG.PRINTABLE_STRING],
  [OID.domainComponent]: [TAG.IA5_STRING],
  [OID.emailAddress]: [TAG.IA5_STRING],
};
const DIRECTORY_STRING = [TAG.UTF8_STRING, TAG.PRINTABLE_STRING];

function findBadStringType(subject: Name): string | undefined {
  const bad = subject.rdns
    .flat()
    .find(({ oid, valueDer }) => !(STRING_TYPES[oid] ?? DIRECTORY_STRING).includes(valueDer[0] ?? 0));
  return bad && `subject attribute ${bad.oid} has the wrong string type`;
}

function findOverlong(subject: Name): string | undefined {
  const bad = subject.rdns
    .flat()
    .find(({ oid, value }) => [...(value ?? "")].length > (MAX_CHARACTERS_BY_OID.get(oid) ?? Number.MAX_SAFE_INTEGER));
  return bad && `subject attribute ${bad.oid} is too long`;
}
