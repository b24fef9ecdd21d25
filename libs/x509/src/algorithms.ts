import { PkiError } from "@vcc-pki/errors";
import { toHex } from "./der/bytes.ts";
import { constructedContext, TAG } from "./der/tags.ts";
import { type DerWriter, encode } from "./der/writer.ts";
import { OID } from "./oids.ts";

export type KeyType = "ec" | "rsa" | "ed25519";

interface KeyAlgorithmRow {
  readonly type: KeyType;
  /** Size of the curve's field, or of the modulus. */
  readonly bits: number;
  /** What a key of this kind signs with when nothing else is said. The hash follows the curve. */
  readonly signatureAlgorithm: string;
  /** EC only: the curve's object identifier and OpenSSL's name for it. */
  readonly curveOid?: string;
  readonly namedCurve?: string;
}

/** Every kind of key we issue certificates for or sign with. The ids are used in protos, databases and YAML. */
export const KEY_ALGORITHMS = {
  "ec-p256": ec(256, "ecdsa-p256-sha256", OID.secp256r1, "prime256v1"),
  "ec-p384": ec(384, "ecdsa-p384-sha384", OID.secp384r1, "secp384r1"),
  "ec-p521": ec(521, "ecdsa-p521-sha512", OID.secp521r1, "secp521r1"),
  "ec-brainpoolp256r1": ec(256, "ecdsa-brainpoolp256r1-sha256", OID.brainpoolP256r1, "brainpoolP256r1"),
  "ec-brainpoolp384r1": ec(384, "ecdsa-brainpoolp384r1-sha384", OID.brainpoolP384r1, "brainpoolP384r1"),
  "rsa-3072": { type: "rsa", bits: 3072, signatureAlgorithm: "rsa-pkcs1-sha256" },
  "rsa-4096": { type: "rsa", bits: 4096, signatureAlgorithm: "rsa-pkcs1-sha256" },
  ed25519: { type: "ed25519", bits: 256, signatureAlgorithm: "ed25519" },
} as const satisfies Record<string, KeyAlgorithmRow>;

export type KeyAlgorithmId = keyof typeof KEY_ALGORITHMS;

/** What an AlgorithmIdentifier alone says about a signature. For ECDSA the curve comes from the key. */
interface SignatureSchemeRow {
  readonly keyType: KeyType;
  /** node:crypto's name; undefined where the scheme hashes by itself. */
  readonly hash: "sha256" | "sha384" | "sha512" | undefined;
  readonly padding?: "pkcs1" | "pss";
  /** PSS: salt length in octets, equal to the hash's. */
  readonly saltLength?: number;
  /** The complete AlgorithmIdentifier. RSA PKCS#1: parameters NULL (RFC 4055 section 5); ECDSA and EdDSA: absent (RFC 5758
   *  section 3.2, RFC 8410 section 3); PSS: hash, MGF and salt length explicit, trailer field at its default (RFC 4055 section 3.1). */
  readonly algorithmIdentifierDer: Uint8Array;
}

export const SIGNATURE_SCHEMES = {
  "ecdsa-sha256": { keyType: "ec", hash: "sha256", algorithmIdentifierDer: identifier("1.2.840.10045.4.3.2") },
  "ecdsa-sha384": { keyType: "ec", hash: "sha384", algorithmIdentifierDer: identifier("1.2.840.10045.4.3.3") },
  "ecdsa-sha512": { keyType: "ec", hash: "sha512", algorithmIdentifierDer: identifier("1.2.840.10045.4.3.4") },
  "rsa-pkcs1-sha256": pkcs1("sha256", "1.2.840.113549.1.1.11"),
  "rsa-pkcs1-sha384": pkcs1("sha384", "1.2.840.113549.1.1.12"),
  "rsa-pkcs1-sha512": pkcs1("sha512", "1.2.840.113549.1.1.13"),
  "rsa-pss-sha256": pss("sha256", "2.16.840.1.101.3.4.2.1", 32),
  "rsa-pss-sha384": pss("sha384", "2.16.840.1.101.3.4.2.2", 48),
  "rsa-pss-sha512": pss("sha512", "2.16.840.1.101.3.4.2.3", 64),
  ed25519: { keyType: "ed25519", hash: undefined, algorithmIdentifierDer: identifier(OID.ed25519) },
} as const satisfies Record<string, SignatureSchemeRow>;

export type SignatureScheme = keyof typeof SIGNATURE_SCHEMES;

export interface SignatureAlgorithmRow extends SignatureSchemeRow {
  readonly scheme: SignatureScheme;
  /** The one kind of key it goes with; undefined: any RSA key. */
  readonly keyAlgorithm: KeyAlgorithmId | undefined;
}

/** A scheme together with the keys it is used with: what a key's policy and a signer name. */
export const SIGNATURE_ALGORITHMS = {
  "ecdsa-p256-sha256": bind("ecdsa-sha256", "ec-p256"),
  "ecdsa-p384-sha384": bind("ecdsa-sha384", "ec-p384"),
  "ecdsa-p521-sha512": bind("ecdsa-sha512", "ec-p521"),
  "ecdsa-brainpoolp256r1-sha256": bind("ecdsa-sha256", "ec-brainpoolp256r1"),
  "ecdsa-brainpoolp384r1-sha384": bind("ecdsa-sha384", "ec-brainpoolp384r1"),
  "rsa-pkcs1-sha256": bind("rsa-pkcs1-sha256"),
  "rsa-pkcs1-sha384": bind("rsa-pkcs1-sha384"),
  "rsa-pkcs1-sha512": bind("rsa-pkcs1-sha512"),
  "rsa-pss-sha256": bind("rsa-pss-sha256"),
  "rsa-pss-sha384": bind("rsa-pss-sha384"),
  "rsa-pss-sha512": bind("rsa-pss-sha512"),
  ed25519: bind("ed25519", "ed25519"),
} as const satisfies Record<string, SignatureAlgorithmRow>;

export type SignatureAlgorithmId = keyof typeof SIGNATURE_ALGORITHMS;

export const isKeyAlgorithmId = (text: string): text is KeyAlgorithmId => Object.hasOwn(KEY_ALGORITHMS, text);

export const isSignatureAlgorithmId = (text: string): text is SignatureAlgorithmId =>
  Object.hasOwn(SIGNATURE_ALGORITHMS, text);

/** The algorithm a key of this kind signs with when nothing else is said. */
export const defaultSignatureAlgorithm = (keyAlgorithm: KeyAlgorithmId): SignatureAlgorithmId =>
  KEY_ALGORITHMS[keyAlgorithm].signatureAlgorithm;

/** True if `algorithm` may be used with a key that `keyAlgorithmOf` describes as `keyAlgorithm`. */
export function fitsKey(algorithm: SignatureAlgorithmId, keyAlgorithm: string): boolean {
  const { keyAlgorithm: only }: SignatureAlgorithmRow = SIGNATURE_ALGORITHMS[algorithm];
  return only === undefined ? keyAlgorithm.startsWith("rsa-") : only === keyAlgorithm;
}

const SCHEME_BY_DER = new Map(
  Object.entries(SIGNATURE_SCHEMES).map(([id, row]) => [toHex(row.algorithmIdentifierDer), id as SignatureScheme]),
);

/** The scheme an AlgorithmIdentifier names, compared octet by octet with the forms above. Throws ALGORITHM_NOT_ALLOWED for
 *  everything else, e.g. SHA-1, or PSS with other parameters. */
export function signatureSchemeOf(algorithmIdentifierDer: Uint8Array): SignatureScheme {
  const scheme = SCHEME_BY_DER.get(toHex(algorithmIdentifierDer));
  if (scheme === undefined) throw new PkiError("ALGORITHM_NOT_ALLOWED", "signature algorithm is not one we accept");
  return scheme;
}

/** The scheme of an AlgorithmIdentifier bound to the key that signs. Throws ALGORITHM_NOT_ALLOWED when they do not fit. */
export function signatureAlgorithmOf(algorithmIdentifierDer: Uint8Array, keyAlgorithm: string): SignatureAlgorithmId {
  const scheme = signatureSchemeOf(algorithmIdentifierDer);
  for (const [id, row] of Object.entries(SIGNATURE_ALGORITHMS)) {
    if (row.scheme === scheme && fitsKey(id as SignatureAlgorithmId, keyAlgorithm)) return id as SignatureAlgorithmId;
  }
  throw new PkiError("ALGORITHM_NOT_ALLOWED", `${scheme} does not go with a key of type ${keyAlgorithm}`);
}

function ec<const A extends string>(bits: number, signatureAlgorithm: A, curveOid: string, namedCurve: string) {
  return { type: "ec", bits, signatureAlgorithm, curveOid, namedCurve } as const;
}

function bind(scheme: SignatureScheme, keyAlgorithm?: KeyAlgorithmId): SignatureAlgorithmRow {
  return { ...SIGNATURE_SCHEMES[scheme], scheme, keyAlgorithm };
}

/** AlgorithmIdentifier ::= SEQUENCE { algorithm OBJECT IDENTIFIER, parameters ANY OPTIONAL } (RFC 5280 section 4.1.1.2) */
function identifier(oid: string, writeParameters?: (writer: DerWriter) => void): Uint8Array {
  return encode((writer) => {
    writeParameters?.(writer);
    writer.oid(oid);
    writer.wrap(TAG.SEQUENCE, 0);
  });
}

function withNull(oid: string): Uint8Array {
  return identifier(oid, (writer) => writer.primitive(TAG.NULL, new Uint8Array()));
}

function pkcs1<H extends "sha256" | "sha384" | "sha512">(hash: H, oid: string) {
  return { keyType: "rsa", hash, padding: "pkcs1", algorithmIdentifierDer: withNull(oid) } as const;
}

/** RSASSA-PSS-params ::= SEQUENCE { hashAlgorithm [0], maskGenAlgorithm [1], saltLength [2] } (RFC 4055 section 3.1) */
function pss<H extends "sha256" | "sha384" | "sha512">(hash: H, hashOid: string, saltLength: number) {
  const algorithmIdentifierDer = identifier("1.2.840.113549.1.1.10", (writer) => {
    writer.integer(saltLength);
    writer.wrap(constructedContext(2), 0);
    const mgf = writer.mark();
    writer.raw(identifier("1.2.840.113549.1.1.8", (mgf1) => mgf1.raw(withNull(hashOid))));
    writer.wrap(constructedContext(1), mgf);
    const hashAlgorithm = writer.mark();
    writer.raw(withNull(hashOid));
    writer.wrap(constructedContext(0), hashAlgorithm);
    writer.wrap(TAG.SEQUENCE, 0);
  });
  return { keyType: "rsa", hash, padding: "pss", saltLength, algorithmIdentifierDer } as const;
}
