import { PkiError } from "@vcc-pki/errors";
import type { TimestampQuery } from "@vcc-pki/proto/tsa";
import {
  buildTimeStampReq,
  HASH_ALGORITHMS,
  type HashAlgorithm,
  parseTimeStampReq,
  TimeStampRefusal,
  type TimeStampReq,
} from "@vcc-pki/x509";

/** A request that is spelled out goes the way of every other one, so that it is refused for the same reasons. Throws TimeStampRefusal. */
export function questionOf({ messageImprint, policyOid, nonce, certReq }: TimestampQuery): TimeStampReq {
  const { hashAlgorithm = "", digest = new Uint8Array() } = messageImprint ?? {};
  const hashAlgorithmDer = hashAlgorithmNamed(hashAlgorithm);
  try {
    const der = buildTimeStampReq({
      messageImprint: { hashAlgorithmDer, digest },
      reqPolicy: policyOid === "" ? undefined : policyOid,
      nonce: nonce.length === 0 ? undefined : nonce,
      certReq,
    });
    return parseTimeStampReq(der);
  } catch (error) {
    if (!(error instanceof PkiError || error instanceof RangeError)) throw error;
    throw new TimeStampRefusal("badDataFormat", `request is malformed: ${error.message}`);
  }
}

function hashAlgorithmNamed(name: string): Uint8Array {
  if (!Object.hasOwn(HASH_ALGORITHMS, name))
    throw new TimeStampRefusal("badAlg", "hash algorithm is not one we accept");
  return HASH_ALGORITHMS[name as HashAlgorithm].absentDer;
}
