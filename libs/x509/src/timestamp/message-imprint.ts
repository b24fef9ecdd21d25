import { hash } from "node:crypto";
import type { DerReader } from "../der/reader.ts";
import { TAG } from "../der/tags.ts";
import type { DerWriter } from "../der/writer.ts";
import { HASH_ALGORITHMS, type HashAlgorithm, hashAlgorithmOf } from "../hash-algorithms.ts";
import { readAlgorithmIdentifier } from "../signed.ts";

/** What is time-stamped: a digest and its hash. */
export interface MessageImprint {
  /** AlgorithmIdentifier, octet by octet as it was sent: parameters NULL or absent. */
  readonly hashAlgorithmDer: Uint8Array;
  readonly hash: HashAlgorithm;
  readonly digest: Uint8Array;
}

/** One that was read, whose hash may be none of ours. */
export type ForeignMessageImprint = Omit<MessageImprint, "hash"> & { readonly hash: HashAlgorithm | undefined };

/** The imprint of a digest. Throws a RangeError when the digest does not have its hash's length. */
export function messageImprintOf(hash: HashAlgorithm, digest: Uint8Array): MessageImprint {
  const { octets, absentDer } = HASH_ALGORITHMS[hash];
  if (digest.length !== octets) throw new RangeError(`not a digest of ${hash}`);
  return { hashAlgorithmDer: absentDer, hash, digest };
}

/** The imprint of data. */
export const imprintData = (algorithm: HashAlgorithm, data: Uint8Array): MessageImprint =>
  messageImprintOf(algorithm, hash(algorithm, data, "buffer"));

/** MessageImprint ::= SEQUENCE { hashAlgorithm AlgorithmIdentifier, hashedMessage OCTET STRING } (RFC 3161 section 2.4.1). Does not compare
 *  the digest's length. Throws DER_MALFORMED. */
export function readMessageImprint(reader: DerReader): ForeignMessageImprint {
  const imprint = reader.enter(TAG.SEQUENCE);
  const hashAlgorithmDer = readAlgorithmIdentifier(imprint);
  const digest = imprint.octetString();
  imprint.end();
  return { hashAlgorithmDer, hash: hashAlgorithmOf(hashAlgorithmDer), digest };
}

export function writeMessageImprint(
  writer: DerWriter,
  { hashAlgorithmDer, digest }: Pick<MessageImprint, "hashAlgorithmDer" | "digest">,
): void {
  const end = writer.mark();
  writer.octetString(digest);
  writer.raw(hashAlgorithmDer);
  writer.wrap(TAG.SEQUENCE, end);
}
