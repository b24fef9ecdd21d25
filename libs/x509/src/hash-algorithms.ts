import { SIGNATURE_ALGORITHMS, type SignatureAlgorithmId } from "./algorithms.ts";
import { toLatin1 } from "./der/bytes.ts";
import { TAG } from "./der/tags.ts";
import { encode } from "./der/writer.ts";
import { OID } from "./oids.ts";

interface HashAlgorithmRow {
  readonly octets: number;
  /** AlgorithmIdentifier without parameters: what we write (RFC 5754 section 2, RFC 8702 section 3.1). */
  readonly absentDer: Uint8Array;
  /** AlgorithmIdentifier with parameters NULL: what many write; it means the same. */
  readonly nullDer: Uint8Array;
}

/** Hashes of contents that are signed or time-stamped, by node:crypto's names. SHA-1 and MD5 are not among them. */
export const HASH_ALGORITHMS = {
  sha256: row(OID.sha256, 32),
  sha384: row(OID.sha384, 48),
  sha512: row(OID.sha512, 64),
  "sha3-256": row(OID.sha3_256, 32),
  "sha3-384": row(OID.sha3_384, 48),
  "sha3-512": row(OID.sha3_512, 64),
} as const satisfies Record<string, HashAlgorithmRow>;

export type HashAlgorithm = keyof typeof HASH_ALGORITHMS;

const HASH_BY_DER = new Map(
  Object.entries(HASH_ALGORITHMS).flatMap(([hash, { absentDer, nullDer }]) =>
    [absentDer, nullDer].map((der) => [toLatin1(der), hash as HashAlgorithm] as const),
  ),
);

/** The hash that an AlgorithmIdentifier names, with parameters absent or NULL; undefined for any other. */
export const hashAlgorithmOf = (algorithmIdentifierDer: Uint8Array): HashAlgorithm | undefined =>
  HASH_BY_DER.get(toLatin1(algorithmIdentifierDer));

/** The hash of content and attributes under a signature: the one that the signature itself uses (RFC 8933 section 3). Ed25519 goes with
 *  SHA-512 (RFC 8419 section 3.1). */
export const digestAlgorithmFor = (signatureAlgorithm: SignatureAlgorithmId): HashAlgorithm =>
  SIGNATURE_ALGORITHMS[signatureAlgorithm].hash ?? "sha512";

function row(oid: string, octets: number): HashAlgorithmRow {
  return { octets, absentDer: algorithmIdentifier(oid, false), nullDer: algorithmIdentifier(oid, true) };
}

/** AlgorithmIdentifier with parameters NULL or without. */
export function algorithmIdentifier(oid: string, withNull: boolean): Uint8Array {
  return encode((writer) => {
    if (withNull) writer.primitive(TAG.NULL, new Uint8Array());
    writer.oid(oid);
    writer.wrap(TAG.SEQUENCE, 0);
  }, 32);
}
