import { malformed } from "../der/malformed.ts";
import { DerReader } from "../der/reader.ts";
import { constructedContext, TAG } from "../der/tags.ts";
import { encode } from "../der/writer.ts";
import { readExtensions } from "../extensions/extension.ts";
import { readGeneralNames } from "../names/general-names.ts";
import { OID } from "../oids.ts";
import { readAlgorithmIdentifier } from "../signed.ts";
import { type CertId, readCertId } from "./cert-id.ts";
import { ocspNonce, parseOcspExtensions } from "./extensions.ts";

const MAX_REQUEST_OCTETS = 10 * 1024;
const MAX_CERT_IDS = 100;

export interface OcspRequest {
  /** At least one, in the order of the request. */
  readonly certIds: readonly CertId[];
  /** 1 to 128 octets, to be repeated in the response. */
  readonly nonce: Uint8Array | undefined;
}

/**
 * OCSPRequest ::= SEQUENCE { tbsRequest TBSRequest, optionalSignature [0] EXPLICIT Signature OPTIONAL }
 * TBSRequest ::= SEQUENCE { version [0] EXPLICIT DEFAULT v1, requestorName [1] EXPLICIT GeneralName OPTIONAL,
 *   requestList SEQUENCE OF Request, requestExtensions [2] EXPLICIT Extensions OPTIONAL } (RFC 6960 section 4.1.1)
 *
 * The name and the signature are looked at as far as their form goes, and mean nothing: everyone may ask. Of the extensions only
 * the nonce is heeded. Throws DER_MALFORMED, which a responder answers with malformedRequest. Octets share the input's memory.
 */
export function parseOcspRequest(der: Uint8Array, maxOctets: number = MAX_REQUEST_OCTETS): OcspRequest {
  return DerReader.whole(
    der,
    TAG.SEQUENCE,
    (ocspRequest) => {
      const request = ocspRequest.within(TAG.SEQUENCE, readTbsRequest);
      if (!ocspRequest.atEnd) ocspRequest.within(constructedContext(0), skipSignature);
      return request;
    },
    maxOctets,
  );
}

function readTbsRequest(tbs: DerReader): OcspRequest {
  // v1 is the only version, and as the DEFAULT it is not encoded (X.690 section 11.5).
  if (tbs.nextIs(constructedContext(0))) throw malformed("a version other than v1, or v1 encoded");
  if (tbs.nextIs(constructedContext(1))) readRequestorName(tbs);
  const certIds = tbs.listOf(TAG.SEQUENCE, readRequest);
  if (certIds.length > MAX_CERT_IDS) throw malformed(`more than ${MAX_CERT_IDS} certificates`);
  return { certIds, nonce: tbs.atEnd ? undefined : tbs.within(constructedContext(2), readNonce) };
}

function readRequestorName(tbs: DerReader): void {
  const { dns, ip, uri, email, directory, otherCount } = readGeneralNames(tbs, constructedContext(1));
  const count = [dns, ip, uri, email, directory].reduce((sum, { length }) => sum + length, otherCount);
  if (count !== 1) throw malformed("requestorName is not one name");
}

/** Request ::= SEQUENCE { reqCert CertID, singleRequestExtensions [0] EXPLICIT Extensions OPTIONAL } */
function readRequest(list: DerReader): CertId {
  const request = list.enter(TAG.SEQUENCE);
  const certId = readCertId(request);
  // serviceLocator is for responders that pass requests on; a nonce does not belong here. Neither means anything to us.
  if (!request.atEnd) parseOcspExtensions(request.within(constructedContext(0), readExtensions), []);
  request.end();
  return certId;
}

/** Preferred signature algorithms and acceptable responses are passed over: there is one algorithm and one kind of response. */
function readNonce(extensions: DerReader): Uint8Array | undefined {
  return parseOcspExtensions(readExtensions(extensions), [OID.ocspNonce]).nonce;
}

/** Signature ::= SEQUENCE { signatureAlgorithm, signature BIT STRING, certs [0] EXPLICIT SEQUENCE OF Certificate OPTIONAL } */
function skipSignature(field: DerReader): void {
  field.within(TAG.SEQUENCE, (signature) => {
    readAlgorithmIdentifier(signature);
    signature.bitStringOctets();
    signature.optional(constructedContext(0), (certs) => certs.listOf(TAG.SEQUENCE, (list) => list.skipChecked(), 0));
  });
}

/** DER of an unsigned OCSPRequest about these certificates, each a CertID as `buildCertId` makes it. */
export function buildOcspRequest(certIdDers: readonly Uint8Array[], nonce?: Uint8Array): Uint8Array {
  if (certIdDers.length === 0) throw new RangeError("a request about no certificate");
  return encode((writer) => {
    if (nonce !== undefined) {
      writer.raw(ocspNonce(nonce));
      writer.wrap(TAG.SEQUENCE, 0);
      writer.wrap(constructedContext(2), 0);
    }
    const list = writer.mark();
    for (const certIdDer of certIdDers.toReversed()) {
      const end = writer.mark();
      writer.raw(certIdDer);
      writer.wrap(TAG.SEQUENCE, end);
    }
    for (const end of [list, 0, 0]) writer.wrap(TAG.SEQUENCE, end); // requestList, TBSRequest, OCSPRequest
  });
}
