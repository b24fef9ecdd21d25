import { REVOCATION_REASONS, type RevocationReason, readRevocationReason } from "../crl-entry.ts";
import { malformed } from "../der/malformed.ts";
import { DerReader } from "../der/reader.ts";
import { constructedContext, primitiveContext, TAG } from "../der/tags.ts";
import { readGeneralizedTime } from "../der/time.ts";
import { type DerWriter, encode } from "../der/writer.ts";
import { type Extension, readExtensions } from "../extensions/extension.ts";
import { type Name, readName } from "../name.ts";
import { OID } from "../oids.ts";
import { type CertId, readCertId } from "./cert-id.ts";
import { type KnownOcspExtensions, parseOcspExtensions } from "./extensions.ts";

const MAX_RESPONSE_DATA_OCTETS = 256 * 1024;

/** CertStatus (RFC 6960 section 4.2.1). The reason unspecified is expressed by leaving it out, as in CRLs. */
export type CertStatus =
  | { readonly status: "good" | "unknown" }
  | { readonly status: "revoked"; readonly revocationTime: Date; readonly reason: RevocationReason };

/** An answer about one certificate. */
export type OcspSingleResponse = CertStatus & {
  readonly certId: CertId;
  readonly thisUpdate: Date;
  readonly nextUpdate: Date | undefined;
  readonly known: Pick<KnownOcspExtensions, "archiveCutoff">;
};

export interface OcspResponseData {
  /** Either the responder's name or the SHA-1 of its key. */
  readonly responderId: { readonly name: Name } | { readonly keyHash: Uint8Array };
  readonly producedAt: Date;
  readonly responses: readonly OcspSingleResponse[];
  readonly extensions: readonly Extension[];
  readonly known: Pick<KnownOcspExtensions, "nonce" | "extendedRevoke">;
}

/** ResponseData ::= SEQUENCE { version [0] DEFAULT v1, responderID, producedAt, responses, responseExtensions [1] OPTIONAL }
 *  (RFC 6960 section 4.2.1): what an OCSP responder is about to sign. Throws DER_MALFORMED. */
export function parseOcspResponseData(der: Uint8Array): OcspResponseData {
  return DerReader.whole(
    der,
    TAG.SEQUENCE,
    (data) => {
      const responderId = readResponderId(data);
      const producedAt = readGeneralizedTime(data);
      const responses = data.listOf(TAG.SEQUENCE, (list) => list.within(TAG.SEQUENCE, readSingleResponse));
      const extensions = data.optional(constructedContext(1), readExtensions) ?? [];
      const known = parseOcspExtensions(extensions, [OID.ocspNonce, OID.ocspExtendedRevoke]);
      return { responderId, producedAt, responses, extensions, known };
    },
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
  const certId = readCertId(response);
  const status = readCertStatus(response);
  const thisUpdate = readGeneralizedTime(response);
  const nextUpdate = response.optional(constructedContext(0), readGeneralizedTime);
  const extensions = response.optional(constructedContext(1), readExtensions) ?? [];
  const known = parseOcspExtensions(extensions, [OID.ocspArchiveCutoff]);
  return { certId, ...status, thisUpdate, nextUpdate, known };
}

/** CertStatus ::= CHOICE { good [0] NULL, revoked [1] RevokedInfo, unknown [2] NULL }, all IMPLICIT;
 *  RevokedInfo ::= SEQUENCE { revocationTime GeneralizedTime, revocationReason [0] EXPLICIT CRLReason OPTIONAL } */
function readCertStatus(response: DerReader): CertStatus {
  const revoked = response.optional(constructedContext(1), (info) => ({
    status: "revoked" as const,
    revocationTime: readGeneralizedTime(info),
    reason: info.optional(constructedContext(0), readRevocationReason) ?? "unspecified",
  }));
  if (revoked !== undefined) return revoked;
  const good = response.nextIs(primitiveContext(0));
  if (response.content(primitiveContext(good ? 0 : 2)).length !== 0) throw malformed("NULL with content");
  return { status: good ? "good" : "unknown" };
}

/** What to say about one certificate. */
export type SingleResponseFields = CertStatus & {
  /** As the request has it. */
  readonly certIdDer: Uint8Array;
  readonly thisUpdate: Date;
  readonly nextUpdate: Date;
  /** singleExtensions, each the DER of an Extension. */
  readonly extensions?: readonly Uint8Array[];
};

export interface ResponseDataFields {
  readonly producedAt: Date;
  readonly responses: readonly SingleResponseFields[];
  /** responseExtensions, each the DER of an Extension. */
  readonly extensions?: readonly Uint8Array[];
}

/** DER of a ResponseData by the responder whose key has this SHA-1 hash (see `sha1KeyIdentifier`). */
export function buildResponseData(responderKeyHash: Uint8Array, fields: ResponseDataFields): Uint8Array {
  return encode((writer) => writeResponseData(writer, responderIdByKey(responderKeyHash), fields));
}

/** byKey [2] EXPLICIT KeyHash */
export function responderIdByKey(keyHash: Uint8Array): Uint8Array {
  return encode((writer) => {
    writer.octetString(keyHash);
    writer.wrap(constructedContext(2), 0);
  }, 32);
}

export function writeResponseData(writer: DerWriter, responderIdDer: Uint8Array, fields: ResponseDataFields): void {
  const { producedAt, responses, extensions } = fields;
  if (responses.length === 0) throw new RangeError("a response about no certificate");
  const end = writer.mark();
  writeExtensions(writer, extensions);
  const list = writer.mark();
  for (let i = responses.length - 1; i >= 0; i--) writeSingleResponse(writer, responses[i] as SingleResponseFields);
  writer.wrap(TAG.SEQUENCE, list);
  writer.generalizedTime(producedAt);
  writer.raw(responderIdDer);
  writer.wrap(TAG.SEQUENCE, end);
}

function writeSingleResponse(writer: DerWriter, fields: SingleResponseFields): void {
  const end = writer.mark();
  writeExtensions(writer, fields.extensions);
  const nextUpdate = writer.mark();
  writer.generalizedTime(fields.nextUpdate);
  writer.wrap(constructedContext(0), nextUpdate);
  writer.generalizedTime(fields.thisUpdate);
  writeCertStatus(writer, fields);
  writer.raw(fields.certIdDer);
  writer.wrap(TAG.SEQUENCE, end);
}

function writeCertStatus(writer: DerWriter, status: CertStatus): void {
  const end = writer.mark();
  if (status.status !== "revoked") {
    writer.wrap(primitiveContext(status.status === "good" ? 0 : 2), end);
    return;
  }
  // A released hold is good again: "removed from a list" is no status (RFC 5280 section 5.3.1).
  if (status.reason === "removeFromCRL") throw new RangeError("removeFromCRL in an OCSP response");
  if (status.reason !== "unspecified") {
    writer.octet(REVOCATION_REASONS[status.reason]);
    writer.wrap(TAG.ENUMERATED, end);
    writer.wrap(constructedContext(0), end);
  }
  writer.generalizedTime(status.revocationTime);
  writer.wrap(constructedContext(1), end);
}

/** [1] EXPLICIT Extensions OPTIONAL, in both places. */
function writeExtensions(writer: DerWriter, extensions: readonly Uint8Array[] = []): void {
  if (extensions.length === 0) return;
  const end = writer.mark();
  writer.rawAll(extensions);
  writer.wrap(TAG.SEQUENCE, end);
  writer.wrap(constructedContext(1), end);
}
