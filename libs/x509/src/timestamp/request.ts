import { PkiError } from "@vcc-pki/errors";
import { equalBytes } from "../der/bytes.ts";
import { DerReader } from "../der/reader.ts";
import { constructedContext, TAG } from "../der/tags.ts";
import { encode } from "../der/writer.ts";
import { readExtensions } from "../extensions/extension.ts";
import { HASH_ALGORITHMS } from "../hash-algorithms.ts";
import { TimeStampRefusal } from "./fail-info.ts";
import { type MessageImprint, readMessageImprint, writeMessageImprint } from "./message-imprint.ts";

const MAX_REQUEST_OCTETS = 8 * 1024;

/** RFC 3161 knows no bound; usual are 8 to 20 octets. This one keeps a token, which repeats the nonce, below its own. */
const MAX_NONCE_OCTETS = 1024;

export interface TimeStampReq {
  readonly version: 1;
  readonly messageImprint: MessageImprint;
  /** The policy that is asked for, dotted. */
  readonly reqPolicy: string | undefined;
  /** Content octets of the INTEGER, which may be negative; at most 1,024. To be repeated in the token. */
  readonly nonce: Uint8Array | undefined;
  /** Whether the signer's certificate is to be in the token. */
  readonly certReq: boolean;
}

/**
 * TimeStampReq ::= SEQUENCE { version INTEGER { v1(1) }, messageImprint MessageImprint, reqPolicy TSAPolicyId OPTIONAL,
 *   nonce INTEGER OPTIONAL, certReq BOOLEAN DEFAULT FALSE, extensions [0] IMPLICIT Extensions OPTIONAL } (RFC 3161 section 2.4.1)
 *
 * Throws TimeStampRefusal: badRequest for another version; badAlg for a hash that is not in HASH_ALGORITHMS; unacceptedExtension for any
 * extension, as none is known; badDataFormat for a digest of the wrong length, more than 8 KiB, and what is not DER. Octets share the
 * input's memory.
 */
export function parseTimeStampReq(der: Uint8Array): TimeStampReq {
  try {
    return DerReader.whole(der, TAG.SEQUENCE, readRequest, MAX_REQUEST_OCTETS);
  } catch (error) {
    if (!(error instanceof PkiError)) throw error;
    throw new TimeStampRefusal("badDataFormat", `request is malformed: ${error.message}`);
  }
}

function readRequest(request: DerReader): TimeStampReq {
  if (!equalBytes(request.integer(), Uint8Array.of(1))) throw new TimeStampRefusal("badRequest", "version is not 1");
  const { hash, ...imprint } = readMessageImprint(request);
  if (hash === undefined) throw new TimeStampRefusal("badAlg", "hash algorithm is not one we accept");
  if (imprint.digest.length !== HASH_ALGORITHMS[hash].octets) {
    throw new TimeStampRefusal("badDataFormat", `digest does not have the length of ${hash}`);
  }
  const reqPolicy = request.nextIs(TAG.OID) ? request.oid() : undefined;
  const nonce = request.nextIs(TAG.INTEGER) ? request.integer() : undefined;
  if (nonce && nonce.length > MAX_NONCE_OCTETS) {
    throw new TimeStampRefusal("badDataFormat", `nonce is longer than ${MAX_NONCE_OCTETS} octets`);
  }
  const certReq = request.booleanDefaultFalse();
  if (request.nextIs(constructedContext(0))) {
    const [extension] = readExtensions(request, constructedContext(0));
    throw new TimeStampRefusal("unacceptedExtension", `extension ${extension?.oid} is not known`);
  }
  return { version: 1, messageImprint: { hash, ...imprint }, reqPolicy, nonce, certReq };
}

export interface TimeStampReqFields {
  readonly messageImprint: Pick<MessageImprint, "hashAlgorithmDer" | "digest">;
  /** Dotted. */
  readonly reqPolicy?: string;
  /** Content octets of an INTEGER in its shortest form: one octet at least, the first neither 00 before a bit 0 nor FF before a bit 1. */
  readonly nonce?: Uint8Array;
  /** Default false. */
  readonly certReq?: boolean;
}

/** DER of a TimeStampReq without extensions. */
export function buildTimeStampReq({
  messageImprint,
  reqPolicy,
  nonce,
  certReq = false,
}: TimeStampReqFields): Uint8Array {
  return encode((writer) => {
    if (certReq) writer.boolean(true);
    if (nonce !== undefined) writer.primitive(TAG.INTEGER, nonce);
    if (reqPolicy !== undefined) writer.oid(reqPolicy);
    writeMessageImprint(writer, messageImprint);
    writer.integer(1);
    writer.wrap(TAG.SEQUENCE, 0);
  }, 256);
}
