import { sign } from "node:crypto";
import {
  assembleSigned,
  authorityKeyIdentifier,
  basicConstraints,
  buildName,
  buildTbsCertificate,
  buildTbsCertList,
  type Certificate,
  type CertificateList,
  crlNumber,
  extendedKeyUsage,
  KEY_ALGORITHMS,
  type KeyAlgorithmId,
  keyAlgorithmOf,
  keyUsage,
  OID,
  parseCertificate,
  parseCertificateList,
  SIGNATURE_ALGORITHMS,
  sha1KeyIdentifier,
  subjectAltName,
  subjectKeyIdentifier,
  type TbsCertificateFields,
  type TbsCertListFields,
} from "../src/index.ts";
import { type Extensions, NOT_AFTER, NOT_BEFORE } from "./authority.ts";
import { makeKey, type TestKey } from "./keys.ts";

/** A key and a certificate of it. */
export interface Party extends TestKey {
  readonly certificate: Certificate;
}

export interface PartyFields extends Partial<Omit<TbsCertificateFields, "extensions" | "signatureAlgorithm">> {
  /** These replace or add to the usual ones; an empty array removes one. */
  readonly extensions?: Extensions;
  readonly key?: TestKey;
  /** Makes something else of the to-be-signed part, in its last moment. */
  readonly rewrite?: (tbsDer: Uint8Array) => Uint8Array;
}

let lastSerial = 0x0100;

/** Signed with the algorithm that goes with the key. */
export function signedBy({ privateKey, spkiDer }: TestKey, tbsDer: Uint8Array): Uint8Array {
  const { signatureAlgorithm } = KEY_ALGORITHMS[keyAlgorithmOf(spkiDer) as KeyAlgorithmId];
  const { hash } = SIGNATURE_ALGORITHMS[signatureAlgorithm];
  return assembleSigned(tbsDer, signatureAlgorithm, sign(hash, tbsDer, privateKey));
}

function makeParty(commonName: string, fields: PartyFields, usual: Extensions, issuer: Party | undefined): Party {
  const { key = makeKey(), extensions, rewrite = (tbsDer) => tbsDer, ...rest } = fields;
  const subject = buildName([
    ["C", "DE"],
    ["O", "VCC"],
    ["CN", commonName],
  ]);
  const signer = issuer ?? key;
  lastSerial++;
  const tbsDer = buildTbsCertificate({
    serial: Uint8Array.of(1, lastSerial >> 8, lastSerial & 0xff),
    signatureAlgorithm: KEY_ALGORITHMS[keyAlgorithmOf(signer.spkiDer) as KeyAlgorithmId].signatureAlgorithm,
    issuer: issuer?.certificate.subject ?? rest.subject ?? subject,
    notBefore: NOT_BEFORE,
    notAfter: NOT_AFTER,
    subject,
    spkiDer: key.spkiDer,
    ...rest,
    extensions: Object.values({
      ...usual,
      subjectKeyIdentifier: subjectKeyIdentifier(sha1KeyIdentifier(rest.spkiDer ?? key.spkiDer)),
      authorityKeyIdentifier: authorityKeyIdentifier(sha1KeyIdentifier(signer.spkiDer)),
      ...extensions,
    }).filter(({ length }) => length > 0),
  });
  return { ...key, certificate: parseCertificate(signedBy(signer, rewrite(tbsDer))) };
}

/** A root, or a CA below `issuer`. */
export const makeIssuer = (commonName: string, fields: PartyFields = {}, issuer?: Party): Party =>
  makeParty(
    commonName,
    fields,
    { basicConstraints: basicConstraints({ ca: true }), keyUsage: keyUsage(["keyCertSign", "cRLSign"]) },
    issuer,
  );

/** A time-stamping unit. */
export const makeUnit = (issuer: Party, fields: PartyFields = {}): Party =>
  makeParty(
    "Unit",
    fields,
    {
      basicConstraints: basicConstraints({ ca: false }),
      keyUsage: keyUsage(["digitalSignature"]),
      extendedKeyUsage: extendedKeyUsage([OID.timeStamping], true),
    },
    issuer,
  );

/** A TLS server. */
export const makeServer = (issuer: Party, fields: PartyFields = {}): Party =>
  makeUnit(issuer, {
    ...fields,
    extensions: {
      extendedKeyUsage: extendedKeyUsage([OID.serverAuth]),
      subjectAltName: subjectAltName({ dns: ["argus.vcc.internal"] }),
      ...fields.extensions,
    },
  });

export interface ListFields extends Partial<Omit<TbsCertListFields, "extensions" | "signatureAlgorithm">> {
  readonly extensions?: Extensions;
}

/** A list of `issuer` for the first week of November 2026. */
export function makeList(issuer: TestKey & { certificate: Certificate }, fields: ListFields = {}): CertificateList {
  const { signatureAlgorithm } = KEY_ALGORITHMS[keyAlgorithmOf(issuer.spkiDer) as KeyAlgorithmId];
  const tbsDer = buildTbsCertList({
    signatureAlgorithm,
    issuer: issuer.certificate.subject,
    thisUpdate: new Date("2026-11-01T00:00:00Z"),
    nextUpdate: new Date("2026-11-08T00:00:00Z"),
    revoked: [],
    ...fields,
    extensions: Object.values({
      authorityKeyIdentifier: authorityKeyIdentifier(sha1KeyIdentifier(issuer.spkiDer)),
      crlNumber: crlNumber(7),
      ...fields.extensions,
    }).filter(({ length }) => length > 0),
  });
  return parseCertificateList(signedBy(issuer, tbsDer));
}
