import { PkiError } from "@vcc-pki/errors";
import { isKeyAlgorithmId, KEY_ALGORITHMS } from "../algorithms.ts";
import { toHex } from "../der/bytes.ts";
import { OID } from "../oids.ts";
import { importCached, importPublicKey } from "../signature.ts";
import { bitLength, keyAlgorithmOf, parseSubjectPublicKey, type SubjectPublicKey } from "../spki.ts";
import type { KeyBlocklist } from "./blocklist.ts";
import { findEd25519Weakness } from "./ed25519.ts";
import { findRsaWeakness } from "./rsa.ts";

export interface KeyRequirements {
  /** Default 3072 (BSI TR-02102-1). */
  readonly minimumRsaBits?: number;
  readonly blocklist?: KeyBlocklist;
  /** True when the key is a request's, which is imported afterwards anyway for the proof of possession, and then never again: that refuses a
   *  point off its curve. */
  readonly isImportedLater?: boolean;
}

/** Curves below 128 bits of security: refused as weak, where other unknown curves are refused as not allowed. */
const WEAK_CURVES: ReadonlySet<string> = new Set([OID.secp192r1, OID.secp224r1]);

const UNCOMPRESSED = 0x04;

/**
 * Refuses a public key that should not get a certificate. KEY_WEAK: too small, a bad RSA exponent, a modulus that can be factored
 * or bears the mark of a broken generator, a point off its curve or of small order, a key on the blocklist. KEY_NOT_ALLOWED: a key
 * type or curve we do not certify, curve parameters spelt out, a compressed point. DER_MALFORMED: not a SubjectPublicKeyInfo.
 */
export function checkPublicKey(spkiDer: Uint8Array, requirements: KeyRequirements = {}): void {
  const key = parseSubjectPublicKey(spkiDer);
  switch (key.type) {
    case "rsa":
      checkRsaSize(key, requirements.minimumRsaBits ?? 3072);
      if (requirements.isImportedLater) importPublicKey(spkiDer);
      else importCached(spkiDer);
      refuseIf(findRsaWeakness(BigInt(`0x${toHex(key.modulus)}`)));
      break;
    case "ec":
      checkCurve(spkiDer, key);
      if (!requirements.isImportedLater) importCached(spkiDer);
      break;
    case "ed25519":
      refuseIf(findEd25519Weakness(key.point));
      break;
    case "other":
      throw new PkiError("KEY_NOT_ALLOWED", `no certificates for keys of type ${key.oid}`);
  }
  refuseIf(requirements.blocklist?.has(spkiDer) ? "key is on the blocklist of compromised keys" : undefined);
}

function checkRsaSize({ modulus, exponent }: SubjectPublicKey & { type: "rsa" }, minimumBits: number): void {
  const bits = bitLength(modulus);
  refuseIf(bits < minimumBits ? `RSA modulus has ${bits} bits, the minimum is ${minimumBits}` : undefined);
  if (bits > 16_384) throw new PkiError("KEY_NOT_ALLOWED", "RSA modulus has more than 16384 bits");
  const e = BigInt(`0x0${toHex(exponent)}`);
  refuseIf(e % 2n === 0n ? "RSA public exponent is even" : undefined);
  refuseIf(e < 65_537n ? "RSA public exponent is below 65537" : undefined);
  refuseIf(e >= 2n ** 256n ? "RSA public exponent is 2^256 or more" : undefined); // FIPS 186-5 section 5.1
}

function checkCurve(spkiDer: Uint8Array, { curveOid, point }: SubjectPublicKey & { type: "ec" }): void {
  if (curveOid !== undefined) refuseIf(WEAK_CURVES.has(curveOid) ? "curve has fewer than 256 bits" : undefined);
  const algorithm = keyAlgorithmOf(spkiDer);
  if (!isKeyAlgorithmId(algorithm)) throw new PkiError("KEY_NOT_ALLOWED", `no certificates for ${algorithm} keys`);
  const octets = Math.ceil(KEY_ALGORITHMS[algorithm].bits / 8);
  // RFC 5480 section 2.2 allows compressed points, but two encodings of one key would slip past every list of known keys.
  if (point[0] !== UNCOMPRESSED || point.length !== 1 + 2 * octets) {
    throw new PkiError("KEY_NOT_ALLOWED", "point is not in uncompressed form");
  }
}

function refuseIf(weakness: string | undefined): void {
  if (weakness !== undefined) throw new PkiError("KEY_WEAK", weakness);
}
