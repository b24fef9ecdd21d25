import {
  buildExtension,
  buildName,
  buildTbsCertificate,
  encode,
  extendedKeyUsage,
  keyUsage,
  type Name,
  OID,
  parseName,
  parseTbsCertificate,
  primitiveContext,
  SIGNATURE_ALGORITHMS,
  sha1KeyIdentifier,
  subjectKeyIdentifier,
  TAG,
} from "../src/index.ts";
import { NOT_AFTER, NOT_BEFORE, SERIAL, type TestCa } from "./authority.ts";
import { makeKey } from "./keys.ts";

/* Structures that this library would not build. */

const hex = (value: Uint8Array | string) => (typeof value === "string" ? value : Buffer.from(value).toString("hex"));

/** `der` with the octets `from` replaced by as many others. */
export function patched(der: Uint8Array, from: Uint8Array | string, to: Uint8Array | string): Uint8Array {
  const before = hex(der);
  if (!before.includes(hex(from)) || hex(from).length !== hex(to).length) throw new Error("nothing to patch");
  return new Uint8Array(Buffer.from(before.replace(hex(from), hex(to)), "hex"));
}

/** The octets of a tbsCertificate up to and including its key, without header, and those behind it. */
function aroundKey(tbsDer: Uint8Array): [Uint8Array, Uint8Array] {
  const { spkiDer } = parseTbsCertificate(tbsDer);
  const end = Buffer.from(tbsDer).indexOf(spkiDer) + spkiDer.length;
  return [tbsDer.subarray(4, end), tbsDer.subarray(end)];
}

/** The same certificate as version 1: no version, no extensions. */
export const version1 = (tbsDer: Uint8Array): Uint8Array =>
  encode((writer) => {
    writer.raw(aroundKey(tbsDer)[0].subarray(5));
    writer.wrap(TAG.SEQUENCE, 0);
  });

/** The same certificate with a subjectUniqueID. */
export const withUniqueIdentifier = (tbsDer: Uint8Array): Uint8Array =>
  encode((writer) => {
    const [before, behind] = aroundKey(tbsDer);
    writer.raw(behind);
    writer.primitive(primitiveContext(2), Uint8Array.of(0, 1));
    writer.raw(before);
    writer.wrap(TAG.SEQUENCE, 0);
  });

/** A key that claims to be on secp256k1. */
export const SECP256K1_SPKI: Uint8Array = encode((writer) => {
  writer.bitString(new Uint8Array(65).fill(4));
  const end = writer.mark();
  writer.oid("1.3.132.0.10");
  writer.oid(OID.ecPublicKey);
  writer.wrap(TAG.SEQUENCE, end);
  writer.wrap(TAG.SEQUENCE, 0);
});

/** A common name of 65 characters. */
export function longName(): Name {
  return parseName(
    encode((writer) => {
      writer.utf8(TAG.UTF8_STRING, "x".repeat(65));
      writer.oid(OID.commonName);
      for (const tag of [TAG.SEQUENCE, TAG.SET, TAG.SEQUENCE]) writer.wrap(tag, 0);
    }),
  );
}

/** A common name as BMPString. */
export const bmpName = (): Name => parseName(new Uint8Array(Buffer.from("300d310b300906035504031e020061", "hex")));

/** An authorityKeyIdentifier that names issuer and serial number as well. */
export function akiWithIssuer(ca: TestCa): Uint8Array {
  return buildExtension(OID.authorityKeyIdentifier, false, (writer) => {
    writer.primitive(primitiveContext(2), SERIAL);
    const end = writer.mark();
    writer.primitive(0xa4, ca.certificate.subject.der);
    writer.wrap(0xa1, end);
    writer.primitive(primitiveContext(0), sha1KeyIdentifier(ca.spkiDer));
    writer.wrap(TAG.SEQUENCE, 0);
  });
}

/** A tbsCertificate of an end entity that is its own issuer. */
export function selfIssuedLeaf(): Uint8Array {
  const key = makeKey();
  const name = buildName([["CN", "self"]]);
  return buildTbsCertificate({
    serial: SERIAL,
    signatureAlgorithm: "ecdsa-p256-sha256",
    issuer: name,
    notBefore: NOT_BEFORE,
    notAfter: NOT_AFTER,
    subject: name,
    spkiDer: key.spkiDer,
    extensions: [
      keyUsage(["digitalSignature"]),
      extendedKeyUsage([OID.codeSigning]),
      subjectKeyIdentifier(sha1KeyIdentifier(key.spkiDer)),
    ],
  });
}

/** An extension with this value, whatever it should be. */
export function rawExtension(oid: string, critical: boolean, valueHex: string): Uint8Array {
  return buildExtension(oid, critical, (writer) => writer.raw(new Uint8Array(Buffer.from(valueHex, "hex"))));
}

/** A tbsCertList with one entry and no extensions, in variants that `buildTbsCertList` does not offer. */
export function craftedTbsCertList(
  issuer: Name,
  fields: { version?: 1 | 2; nextUpdate?: Date; entryExtension?: Uint8Array },
): Uint8Array {
  const { version = 2, entryExtension, nextUpdate } = fields;
  return encode((writer) => {
    if (entryExtension) {
      writer.raw(entryExtension);
      writer.wrap(TAG.SEQUENCE, 0);
    }
    writer.time(NOT_BEFORE);
    writer.primitive(TAG.INTEGER, SERIAL);
    writer.wrap(TAG.SEQUENCE, 0);
    writer.wrap(TAG.SEQUENCE, 0);
    if (nextUpdate) writer.time(nextUpdate);
    writer.time(NOT_BEFORE);
    writer.raw(issuer.der);
    writer.raw(SIGNATURE_ALGORITHMS["ecdsa-p256-sha256"].algorithmIdentifierDer);
    if (version === 2) writer.integer(1);
    writer.wrap(TAG.SEQUENCE, 0);
  });
}
