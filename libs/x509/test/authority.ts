import { sign } from "node:crypto";
import {
  assembleSigned,
  authorityKeyIdentifier,
  basicConstraints,
  buildName,
  buildTbsCertificate,
  type Certificate,
  extendedKeyUsage,
  keyUsage,
  type Name,
  OID,
  parseCertificate,
  sha1KeyIdentifier,
  subjectAltName,
  subjectKeyIdentifier,
  type TbsCertificateFields,
} from "../src/index.ts";
import { makeKey, type TestKey } from "./keys.ts";

export interface TestCa extends TestKey {
  readonly certificate: Certificate;
  /** Certificate, CRL or request from its to-be-signed part. */
  sign(tbsDer: Uint8Array): Uint8Array;
}

export const SERIAL = Uint8Array.from({ length: 16 }, (_, i) => i + 1);
export const NOT_BEFORE = new Date("2026-01-01T00:00:00Z");
export const NOT_AFTER = new Date("2036-01-01T00:00:00Z");

/** Extensions by name, so that a test can change one of them. */
export type Extensions = Readonly<Record<string, Uint8Array>>;

const inOrder = (extensions: Extensions): Uint8Array[] => Object.values(extensions).filter(({ length }) => length > 0);

/** A P-256 root, or a CA below `parent`. `extensions` replace or add to the usual ones; an empty array removes one. */
export function makeCa(commonName = "Test CA", extensions: Extensions = {}, parent?: TestCa): TestCa {
  const key = makeKey();
  const subject = buildName([
    ["C", "DE"],
    ["O", "VCC Prüfstelle"],
    ["CN", commonName],
  ]);
  const signOwn = (tbsDer: Uint8Array) =>
    assembleSigned(tbsDer, "ecdsa-p256-sha256", sign("sha256", tbsDer, key.privateKey));
  const tbsDer = buildTbsCertificate({
    serial: SERIAL,
    signatureAlgorithm: "ecdsa-p256-sha256",
    issuer: parent?.certificate.subject ?? subject,
    notBefore: NOT_BEFORE,
    notAfter: NOT_AFTER,
    subject,
    spkiDer: key.spkiDer,
    extensions: inOrder({
      basicConstraints: basicConstraints({ ca: true }),
      keyUsage: keyUsage(["keyCertSign", "cRLSign"]),
      subjectKeyIdentifier: subjectKeyIdentifier(sha1KeyIdentifier(key.spkiDer)),
      authorityKeyIdentifier: authorityKeyIdentifier(sha1KeyIdentifier(parent?.spkiDer ?? key.spkiDer)),
      ...extensions,
    }),
  });
  return { ...key, certificate: parseCertificate((parent?.sign ?? signOwn)(tbsDer)), sign: signOwn };
}

export interface LeafOverrides extends Partial<Omit<TbsCertificateFields, "extensions">> {
  readonly extensions?: Extensions;
}

const LEAF_KEY = makeKey();
export const LEAF_SUBJECT: Name = buildName([["CN", "argus.vcc.internal"]]);

/** The to-be-signed part of a clean end-entity certificate of `ca`, but for what `overrides` says. */
export function leafTbs(ca: TestCa, { extensions = {}, ...fields }: LeafOverrides = {}): Uint8Array {
  const spkiDer = fields.spkiDer ?? LEAF_KEY.spkiDer;
  return buildTbsCertificate({
    serial: SERIAL,
    signatureAlgorithm: "ecdsa-p256-sha256",
    issuer: ca.certificate.subject,
    notBefore: NOT_BEFORE,
    notAfter: new Date("2027-01-01T00:00:00Z"),
    subject: LEAF_SUBJECT,
    spkiDer,
    ...fields,
    extensions: inOrder({
      basicConstraints: basicConstraints({ ca: false }),
      keyUsage: keyUsage(["digitalSignature"]),
      extendedKeyUsage: extendedKeyUsage([OID.serverAuth, OID.clientAuth]),
      subjectKeyIdentifier: subjectKeyIdentifier(sha1KeyIdentifier(spkiDer)),
      authorityKeyIdentifier: authorityKeyIdentifier(sha1KeyIdentifier(ca.spkiDer)),
      subjectAltName: subjectAltName({ dns: ["argus.vcc.internal"] }),
      ...extensions,
    }),
  });
}
