import { createPublicKey } from "node:crypto";
import { encode, KEY_ALGORITHMS, type KeyAlgorithmId, OID, TAG } from "@vcc-pki/x509";
import pkcs11js from "pkcs11js";
import type { Handle } from "./pkcs11.ts";
import type { Connection } from "./token.ts";

/** SubjectPublicKeyInfo of a public key object in the token. Throws Error when the token's answer is not such a key. */
export function readSpki({ pkcs11, loop }: Connection, publicKey: Handle, algorithm: KeyAlgorithmId): Uint8Array {
  const read = (...types: number[]) =>
    pkcs11.C_GetAttributeValue(
      loop,
      publicKey,
      types.map((type) => ({ type })),
    );
  if (KEY_ALGORITHMS[algorithm].type === "rsa") {
    const [modulus, exponent] = read(pkcs11js.CKA_MODULUS, pkcs11js.CKA_PUBLIC_EXPONENT);
    if (!modulus || !exponent) throw new Error("token gave no RSA public key");
    const jwk = { kty: "RSA", n: modulus.value.toString("base64url"), e: exponent.value.toString("base64url") };
    return new Uint8Array(createPublicKey({ key: jwk, format: "jwk" }).export({ type: "spki", format: "der" }));
  }
  const [point] = read(pkcs11js.CKA_EC_POINT);
  if (!point) throw new Error("token gave no point");
  return buildSpki(algorithm, decodePoint(point.value, algorithm));
}

/** CKA_EC_POINT is the point inside an OCTET STRING for Weierstrass curves and bare for Edwards curves since v3.1, says the
 *  standard; tokens do as they please. The curve fixes the point's length, so the length decides, never a trial parse. */
export function decodePoint(value: Uint8Array, algorithm: KeyAlgorithmId): Uint8Array {
  const { type, bits } = KEY_ALGORITHMS[algorithm];
  const size = type === "ed25519" ? 32 : 1 + 2 * Math.ceil(bits / 8);
  const header = size < 0x80 ? [0x04, size] : [0x04, 0x81, size];
  const bare = value.length === size;
  const wrapped = value.length === size + header.length && header.every((octet, i) => value[i] === octet);
  if (!bare && !wrapped) throw new Error(`CKA_EC_POINT of ${value.length} octets is no point of ${algorithm}`);
  const point = value.subarray(value.length - size);
  if (type === "ec" && point[0] !== 0x04) throw new Error("CKA_EC_POINT is not an uncompressed point");
  return point;
}

/** SubjectPublicKeyInfo of an EC key (RFC 5480 section 2: ecPublicKey with the named curve) or Ed25519 key (RFC 8410 section 4). */
function buildSpki(algorithm: KeyAlgorithmId, point: Uint8Array): Uint8Array {
  const row = KEY_ALGORITHMS[algorithm];
  return encode((writer) => {
    writer.bitString(point);
    const end = writer.mark();
    if ("curveOid" in row) writer.oid(row.curveOid);
    writer.oid(row.type === "ec" ? OID.ecPublicKey : OID.ed25519);
    writer.wrap(TAG.SEQUENCE, end);
    writer.wrap(TAG.SEQUENCE, 0);
  });
}
