import { constructedContext, TAG } from "../der/tags.ts";
import { OID } from "../oids.ts";
import { buildAttribute } from "./attributes.ts";

/** The attribute CMSAlgorithmProtection: the SignerInfo's algorithms once more, under the signature (RFC 6211 section 2).
 *
 *     CMSAlgorithmProtection ::= SEQUENCE { digestAlgorithm, signatureAlgorithm [1] IMPLICIT OPTIONAL, macAlgorithm [2] IMPLICIT OPTIONAL }
 */
export function cmsAlgorithmProtection(digestAlgorithmDer: Uint8Array, signatureAlgorithmDer: Uint8Array): Uint8Array {
  return buildAttribute(OID.cmsAlgorithmProtection, (writer) => {
    writer.raw(signatureAlgorithmDer.with(0, constructedContext(1)));
    writer.raw(digestAlgorithmDer);
    writer.wrap(TAG.SEQUENCE, 0);
  });
}
