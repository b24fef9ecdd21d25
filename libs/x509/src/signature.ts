import { constants, createPublicKey, type KeyObject, type VerifyKeyObjectInput, verify } from "node:crypto";
import { PkiError } from "@vcc-pki/errors";
import {
  fitsKey,
  isSignatureAlgorithmId,
  SIGNATURE_ALGORITHMS,
  SIGNATURE_SCHEMES,
  type SignatureAlgorithmId,
  type SignatureScheme,
  signatureSchemeOf,
} from "./algorithms.ts";
import { equalBytes, toLatin1 } from "./der/bytes.ts";
import { bitLength, keyAlgorithmOf, parseSubjectPublicKey } from "./spki.ts";

/** Bounds on what we do arithmetic with: verification time grows with the square of the modulus and with the exponent. */
const MAX_RSA_MODULUS_BITS = 16_384;
const MAX_RSA_EXPONENT_BITS = 256;

/** A structure with a signature: certificate, CRL or certification request. */
export interface Signed {
  /** The octets that were signed. */
  readonly tbsDer: Uint8Array;
  /** Content of the BIT STRING. */
  readonly signature: Uint8Array;
  /** AlgorithmIdentifier beside the signature. */
  readonly signatureAlgorithmDer: Uint8Array;
}

/** The key imported last: a request's is asked for twice in a row, for its strength and for its signature. */
let lastImported: { readonly spkiDer: Uint8Array; readonly key: KeyObject } | undefined;

/** Node's key object, after the caps that keep a hostile key from costing seconds. EC points off their curve are refused here
 *  too. Throws KEY_WEAK, KEY_NOT_ALLOWED or DER_MALFORMED. */
export function importPublicKey(spkiDer: Uint8Array): KeyObject {
  if (lastImported !== undefined && equalBytes(lastImported.spkiDer, spkiDer)) return lastImported.key;
  const key = importNew(spkiDer);
  lastImported = { spkiDer: Uint8Array.from(spkiDer), key };
  return key;
}

function importNew(spkiDer: Uint8Array): KeyObject {
  const key = parseSubjectPublicKey(spkiDer);
  if (key.type === "other") throw new PkiError("KEY_NOT_ALLOWED", "key type is not one we accept");
  if (key.type === "rsa") {
    if (bitLength(key.modulus) > MAX_RSA_MODULUS_BITS)
      throw new PkiError("KEY_NOT_ALLOWED", "RSA modulus is too large");
    if (bitLength(key.exponent) > MAX_RSA_EXPONENT_BITS) {
      throw new PkiError("KEY_NOT_ALLOWED", "RSA public exponent is too large");
    }
  }
  try {
    return createPublicKey({ key: Buffer.from(spkiDer), format: "der", type: "spki" });
  } catch (error) {
    throw new PkiError("KEY_WEAK", "public key is not valid on its curve or for its type", { cause: error });
  }
}

/** The key with the padding of the scheme, as node:crypto wants it; undefined for a key of another type than the scheme's. */
function withPadding(key: KeyObject, scheme: SignatureScheme): KeyObject | VerifyKeyObjectInput | undefined {
  const { keyType, ...row } = SIGNATURE_SCHEMES[scheme];
  if (key.asymmetricKeyType !== keyType) return undefined;
  if (!("padding" in row)) return key;
  return row.padding === "pss"
    ? { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: row.saltLength }
    : { key, padding: constants.RSA_PKCS1_PADDING };
}

/** Verifies with a key object at hand. A key of another type than the scheme's gives false. */
export function verifyWithKey(
  key: KeyObject,
  scheme: SignatureScheme,
  data: Uint8Array,
  signature: Uint8Array,
): boolean {
  const padded = withPadding(key, scheme);
  return padded !== undefined && verify(SIGNATURE_SCHEMES[scheme].hash, data, padded, signature);
}

/** The same on a thread of libuv's pool. */
export function verifyOnPool(
  key: KeyObject,
  scheme: SignatureScheme,
  data: Uint8Array,
  signature: Uint8Array,
): Promise<boolean> {
  const padded = withPadding(key, scheme);
  if (padded === undefined) return Promise.resolve(false);
  return new Promise((resolve, reject) => {
    const settle = (error: Error | null, isValid: boolean) => (error ? reject(error) : resolve(isValid));
    verify(SIGNATURE_SCHEMES[scheme].hash, data, padded, signature, settle);
  });
}

/** Keys of issuers and peers, which come again and again; keys of requests come once and do not pass through here. */
const IMPORTED_KEYS = new Map<string, KeyObject>();
const MAX_IMPORTED_KEYS = 256;

/** `importPublicKey` for keys that come again and again. */
export function importCached(spkiDer: Uint8Array): KeyObject {
  const name = toLatin1(spkiDer);
  const known = IMPORTED_KEYS.get(name);
  if (known !== undefined) return known;
  const key = importPublicKey(spkiDer);
  if (IMPORTED_KEYS.size >= MAX_IMPORTED_KEYS) IMPORTED_KEYS.clear();
  IMPORTED_KEYS.set(name, key);
  return key;
}

/** True if `signature` over `data` is by this key with this algorithm. A scheme ("ecdsa-sha256") takes the curve from the key; a
 *  signature algorithm ("ecdsa-p256-sha256") insists on it. ECDSA signatures are DER. Throws as `importPublicKey` does. */
export function verifySignature(
  spkiDer: Uint8Array,
  algorithm: SignatureAlgorithmId | SignatureScheme,
  data: Uint8Array,
  signature: Uint8Array,
): boolean {
  if (!isSignatureAlgorithmId(algorithm)) return verifyWithKey(importCached(spkiDer), algorithm, data, signature);
  if (!fitsKey(algorithm, keyAlgorithmOf(spkiDer))) return false;
  return verifyWithKey(importCached(spkiDer), SIGNATURE_ALGORITHMS[algorithm].scheme, data, signature);
}

/** True if this certificate, CRL or request was signed by this key. Throws ALGORITHM_NOT_ALLOWED, and as `importPublicKey`. */
export function isSignedBy(signed: Signed, spkiDer: Uint8Array): boolean {
  const scheme = signatureSchemeOf(signed.signatureAlgorithmDer);
  return verifyWithKey(importCached(spkiDer), scheme, signed.tbsDer, signed.signature);
}
