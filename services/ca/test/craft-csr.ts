import { createPublicKey, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import {
  assembleSigned,
  buildName,
  constructedContext,
  encode,
  type GeneralNamesInput,
  OID,
  subjectAltName,
  TAG,
} from "@vcc-pki/x509";

/** Certification requests from their parts, for what no library of ours would build. */

export const NAMES = { dns: ["argus.vcc.internal"] };

export interface CsrParts {
  /** DER of the subject. */
  subject?: Uint8Array;
  spkiDer?: Uint8Array;
  /** DER of each Attribute. */
  attributes?: Uint8Array[];
  /** Whose signature it bears; RSA keys sign with PKCS#1. */
  signer?: KeyObject;
}

const own = generateKeyPairSync("ec", { namedCurve: "P-256" });

export const spkiOf = (key: KeyObject): Uint8Array =>
  (key.type === "private" ? createPublicKey(key) : key).export({ type: "spki", format: "der" });

export function craftCsr({
  subject = buildName([]).der,
  signer = own.privateKey,
  spkiDer = spkiOf(own.publicKey),
  attributes = [sanAttribute(NAMES)],
}: CsrParts): Uint8Array {
  const info = encode((writer) => {
    writer.rawAll(attributes.toSorted(Buffer.compare));
    writer.wrap(constructedContext(0), 0);
    writer.raw(spkiDer);
    writer.raw(subject);
    writer.integer(0);
    writer.wrap(TAG.SEQUENCE, 0);
  });
  const algorithm = signer.asymmetricKeyType === "rsa" ? "rsa-pkcs1-sha256" : "ecdsa-p256-sha256";
  return assembleSigned(info, algorithm, sign("sha256", info, signer));
}

export const attribute = (oid: string, valueDer: Uint8Array): Uint8Array =>
  encode((writer) => {
    writer.raw(valueDer);
    writer.wrap(TAG.SET, 0);
    writer.oid(oid);
    writer.wrap(TAG.SEQUENCE, 0);
  });

const sequenceOf = (...elements: Uint8Array[]): Uint8Array =>
  encode((writer) => {
    writer.rawAll(elements);
    writer.wrap(TAG.SEQUENCE, 0);
  });

export const extensionRequest = (...extensions: Uint8Array[]): Uint8Array =>
  attribute(OID.extensionRequest, sequenceOf(...extensions));

export const sanAttribute = (names: GeneralNamesInput): Uint8Array => extensionRequest(subjectAltName(names));

/** subjectAltName with one dNSName of any octets. */
export const rawDnsName = (octets: Uint8Array): Uint8Array =>
  encode((writer) => {
    writer.primitive(0x82, octets);
    writer.wrap(TAG.SEQUENCE, 0);
    writer.wrap(TAG.OCTET_STRING, 0);
    writer.oid(OID.subjectAltName);
    writer.wrap(TAG.SEQUENCE, 0);
  });

/** A P-256 key with the last octet of its point changed. */
export function offCurve(): Uint8Array {
  const spkiDer = spkiOf(own.publicKey);
  spkiDer[spkiDer.length - 1] = (spkiDer.at(-1) ?? 0) ^ 1;
  return spkiDer;
}

/** SubjectPublicKeyInfo of any numbers. */
export function rsaSpki(modulus: bigint, exponent: number): Uint8Array {
  const numbers = encode((writer) => {
    writer.integer(exponent);
    writer.integer(modulus);
    writer.wrap(TAG.SEQUENCE, 0);
  });
  return encode((writer) => {
    writer.bitString(numbers);
    const end = writer.mark();
    writer.primitive(TAG.NULL, new Uint8Array());
    writer.oid(OID.rsaEncryption);
    writer.wrap(TAG.SEQUENCE, end);
    writer.wrap(TAG.SEQUENCE, 0);
  });
}

export const modulusOf = (publicKey: KeyObject): bigint =>
  BigInt(`0x${Buffer.from(publicKey.export({ format: "jwk" }).n ?? "", "base64url").toString("hex")}`);

/** An odd modulus of 3072 bits as the broken library made them: 65537^a mod M for the product M of small primes
 *  (CVE-2017-15361). */
export function rocaModulus(): bigint {
  const primes = Array.from({ length: 166 }, (_, i) => i + 2).filter(
    (n) => n > 2 && Array.from({ length: n - 2 }, (_, j) => j + 2).every((divisor) => n % divisor !== 0),
  );
  const product = primes.reduce((all, prime) => all * BigInt(prime), 1n);
  let residue = 1n;
  for (let i = 0; i < 77; i++) residue = (residue * 65_537n) % product;
  const modulus = (1n << 3071n) - ((1n << 3071n) % product) + product + residue;
  return modulus % 2n === 0n ? modulus + product : modulus;
}
