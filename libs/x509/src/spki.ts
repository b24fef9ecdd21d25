import { hash } from "node:crypto";
import { KEY_ALGORITHMS, type KeyAlgorithmId } from "./algorithms.ts";
import { malformed } from "./der/malformed.ts";
import { DerReader } from "./der/reader.ts";
import { TAG } from "./der/tags.ts";
import { OID } from "./oids.ts";

/** Large enough for any key we know (ML-DSA-87 has 2,614 octets), small enough to look at without fear. */
const MAX_SPKI_OCTETS = 16_384;

/** SubjectPublicKeyInfo, taken apart (RFC 5280 section 4.1.2.7). Numbers are big-endian octets without sign octet. */
export type SubjectPublicKey =
  | { readonly type: "rsa"; readonly modulus: Uint8Array; readonly exponent: Uint8Array }
  | {
      readonly type: "ec" /** undefined: explicit parameters */;
      readonly curveOid?: string;
      readonly point: Uint8Array;
    }
  | { readonly type: "ed25519"; readonly point: Uint8Array }
  | { readonly type: "other"; readonly oid: string };

/** What a key is: one of our ids, an RSA size, or the identifier of a curve or key type that is not ours. */
export type KeyAlgorithmName = KeyAlgorithmId | `rsa-${number}` | `ec-${string}` | `key-${string}`;

/** Takes SubjectPublicKeyInfo ::= SEQUENCE { algorithm AlgorithmIdentifier, subjectPublicKey BIT STRING } apart.
 *  Throws DER_MALFORMED. Says nothing about the key's strength: see `checkPublicKey`. */
export function parseSubjectPublicKey(spkiDer: Uint8Array): SubjectPublicKey {
  return DerReader.whole(
    spkiDer,
    TAG.SEQUENCE,
    (spki) => {
      const algorithm = spki.enter(TAG.SEQUENCE);
      const oid = algorithm.oid();
      const key = spki.bitStringOctets();
      switch (oid) {
        case OID.rsaEncryption:
          algorithm.null(); // RFC 3279 section 2.3.1
          algorithm.end();
          return parseRsaKey(key);
        case OID.ecPublicKey: {
          const curveOid = algorithm.nextIs(TAG.OID) ? algorithm.oid() : undefined;
          if (curveOid === undefined) algorithm.skipChecked();
          algorithm.end();
          return { type: "ec", curveOid, point: key };
        }
        case OID.ed25519:
          algorithm.end();
          if (key.length !== 32) throw malformed("Ed25519 key is not 32 octets"); // RFC 8410 section 4
          return { type: "ed25519", point: key };
        default:
          if (!algorithm.atEnd) algorithm.skipChecked();
          algorithm.end();
          return { type: "other", oid };
      }
    },
    MAX_SPKI_OCTETS,
  );
}

/** RSAPublicKey ::= SEQUENCE { modulus INTEGER, publicExponent INTEGER } (RFC 8017 appendix A.1.1) */
function parseRsaKey(der: Uint8Array): SubjectPublicKey {
  return DerReader.whole(der, TAG.SEQUENCE, (key) => ({
    type: "rsa",
    modulus: magnitude(key.integer()),
    exponent: magnitude(key.integer()),
  }));
}

function magnitude(integer: Uint8Array): Uint8Array {
  if ((integer[0] as number) >= 0x80) throw malformed("negative number in an RSA key");
  return integer[0] === 0 ? integer.subarray(1) : integer;
}

const ID_BY_CURVE = new Map(
  Object.entries(KEY_ALGORITHMS).flatMap(([id, row]) =>
    "curveOid" in row ? [[row.curveOid, id as KeyAlgorithmId] as const] : [],
  ),
);

/** Names the kind of key: "ec-p256", "rsa-2048", "ed25519", "ec-1.3.132.0.10" (secp256k1), "ec-explicit", "key-1.2.840.10040.4.1"
 *  (DSA). Throws DER_MALFORMED. */
export function keyAlgorithmOf(spkiDer: Uint8Array): KeyAlgorithmName {
  const key = parseSubjectPublicKey(spkiDer);
  switch (key.type) {
    case "rsa":
      return `rsa-${bitLength(key.modulus)}`;
    case "ec":
      return ID_BY_CURVE.get(key.curveOid ?? "") ?? `ec-${key.curveOid ?? "explicit"}`;
    case "ed25519":
      return "ed25519";
    case "other":
      return `key-${key.oid}`;
  }
}

/** Bits of a big-endian number without leading zero octets. */
export function bitLength(magnitude: Uint8Array): number {
  return magnitude.length === 0 ? 0 : magnitude.length * 8 - (Math.clz32(magnitude[0] as number) - 24);
}

/** Key identifier of RFC 5280 section 4.2.1.2, method 1: SHA-1 of the subjectPublicKey's octets. Throws DER_MALFORMED. */
export function sha1KeyIdentifier(spkiDer: Uint8Array): Uint8Array {
  const key = DerReader.whole(spkiDer, TAG.SEQUENCE, (spki) => {
    spki.element(TAG.SEQUENCE);
    return spki.bitStringOctets();
  });
  return new Uint8Array(hash("sha1", key, "buffer"));
}
