import { readSerial, serialToHex } from "./certificate.ts";
import { malformed } from "./der/malformed.ts";
import { DerReader } from "./der/reader.ts";
import { constructedContext, primitiveContext, TAG } from "./der/tags.ts";
import { readGeneralizedTime } from "./der/time.ts";
import { type Extension, readExtensions } from "./extensions/extension.ts";
import { type Name, readName } from "./name.ts";

const MAX_RESPONSE_DATA_OCTETS = 256 * 1024;

export interface OcspSingleResponse {
  /** Dotted. */
  readonly hashAlgorithmOid: string;
  readonly issuerNameHash: Uint8Array;
  readonly issuerKeyHash: Uint8Array;
  readonly serialHex: string;
  readonly status: "good" | "revoked" | "unknown";
  readonly thisUpdate: Date;
  readonly nextUpdate: Date | undefined;
}

export interface OcspResponseData {
  /** Either the responder's name or the SHA-1 of its key. */
  readonly responderId: { readonly name: Name } | { readonly keyHash: Uint8Array };
  readonly producedAt: Date;
  readonly responses: readonly OcspSingleResponse[];
  readonly extensions: readonly Extension[];
}

/** ResponseData ::= SEQUENCE { version [0] DEFAULT v1, responderID, producedAt, responses, responseExtensions [1] OPTIONAL }
 *  (RFC 6960 section 4.2.1): what an OCSP responder is about to sign. Throws DER_MALFORMED. */
export function parseOcspResponseData(der: Uint8Array): OcspResponseData {
  return DerReader.whole(
    der,
    TAG.SEQUENCE,
    (data) => ({
      responderId: readResponderId(data),
      producedAt: readGeneralizedTime(data),
      responses: data.listOf(TAG.SEQUENCE, (list) => list.within(TAG.SEQUENCE, readSingleResponse)),
      extensions: data.optional(constructedContext(1), readExtensions) ?? [],
    }),
    MAX_RESPONSE_DATA_OCTETS,
  );
}

/** ResponderID ::= CHOICE { byName [1] Name, byKey [2] OCTET STRING }, both EXPLICIT */
function readResponderId(data: DerReader): OcspResponseData["responderId"] {
  const name = data.optional(constructedContext(1), readName);
  if (name !== undefined) return { name };
  const keyHash = data.within(constructedContext(2), (field) => field.octetString());
  if (keyHash.length !== 20) throw malformed("byKey is not a SHA-1 hash");
  return { keyHash };
}

/** SingleResponse ::= SEQUENCE { certID, certStatus, thisUpdate, nextUpdate [0] OPTIONAL, singleExtensions [1] OPTIONAL } */
function readSingleResponse(response: DerReader): OcspSingleResponse {
  const certId = response.within(TAG.SEQUENCE, (id) => ({
    hashAlgorithmOid: id.within(TAG.SEQUENCE, readHashAlgorithm),
    issuerNameHash: id.octetString(),
    issuerKeyHash: id.octetString(),
    serialHex: serialToHex(readSerial(id)),
  }));
  const status = readCertStatus(response);
  const thisUpdate = readGeneralizedTime(response);
  const nextUpdate = response.optional(constructedContext(0), readGeneralizedTime);
  response.optional(constructedContext(1), readExtensions);
  return { ...certId, status, thisUpdate, nextUpdate };
}

function readHashAlgorithm(algorithm: DerReader): string {
  const oid = algorithm.oid();
  if (!algorithm.atEnd) algorithm.null();
  return oid;
}

/** CertStatus ::= CHOICE { good [0] NULL, revoked [1] RevokedInfo, unknown [2] NULL }, all IMPLICIT */
function readCertStatus(response: DerReader): OcspSingleResponse["status"] {
  if (response.nextIs(constructedContext(1))) {
    response.within(constructedContext(1), (info) => {
      readGeneralizedTime(info);
      info.optional(constructedContext(0), (reason) => reason.smallInteger(TAG.ENUMERATED));
    });
    return "revoked";
  }
  const good = response.nextIs(primitiveContext(0));
  if (response.content(primitiveContext(good ? 0 : 2)).length !== 0) throw malformed("NULL with content");
  return good ? "good" : "unknown";
}
