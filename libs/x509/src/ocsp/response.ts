import type { SignatureAlgorithmId } from "../algorithms.ts";
import { SIGNATURE_ALGORITHMS } from "../algorithms.ts";
import { Certificate } from "../certificate.ts";
import { malformed } from "../der/malformed.ts";
import { DerReader } from "../der/reader.ts";
import { constructedContext, TAG } from "../der/tags.ts";
import { type DerWriter, encode } from "../der/writer.ts";
import { OID } from "../oids.ts";
import type { Signed } from "../signature.ts";
import { readAlgorithmIdentifier } from "../signed.ts";
import { type OcspResponseData, parseOcspResponseData } from "./response-data.ts";

const MAX_RESPONSE_OCTETS = 512 * 1024;

/** OCSPResponseStatus but for successful (RFC 6960 section 4.2.1). 4 is not used. */
const OCSP_ERRORS = { malformedRequest: 1, internalError: 2, tryLater: 3, sigRequired: 5, unauthorized: 6 } as const;

export type OcspError = keyof typeof OCSP_ERRORS;

const ERROR_BY_NUMBER = new Map(
  Object.entries(OCSP_ERRORS).map(([error, number]) => [number as number, error as OcspError]),
);

/** OCSPResponse ::= SEQUENCE { responseStatus ENUMERATED } without responseBytes: errors are not signed (RFC 6960 section 2.3). */
const ERROR_RESPONSES = Object.fromEntries(
  Object.entries(OCSP_ERRORS).map(([error, number]) => [error, Uint8Array.of(0x30, 3, TAG.ENUMERATED, 1, number)]),
) as Record<OcspError, Uint8Array>;

/** The same octets each time: do not change them. */
export const ocspErrorResponse = (error: OcspError): Uint8Array => ERROR_RESPONSES[error];

/** A signed answer, whose signature is not verified here: see `verifyOcspResponse`. */
export interface BasicOcspResponse extends Signed {
  readonly data: OcspResponseData;
  /** Certificates that came along, of the responder and perhaps above it. */
  readonly certificates: readonly Certificate[];
}

export type OcspResponse =
  | ({ readonly responseStatus: "successful" } & BasicOcspResponse)
  | { readonly responseStatus: OcspError };

/** OCSPResponse ::= SEQUENCE { responseStatus ENUMERATED, responseBytes [0] EXPLICIT SEQUENCE { responseType OBJECT IDENTIFIER,
 *  response OCTET STRING } OPTIONAL } (RFC 6960 section 4.2.1), of the type id-pkix-ocsp-basic. Throws DER_MALFORMED. */
export function parseOcspResponse(der: Uint8Array): OcspResponse {
  return DerReader.whole(
    der,
    TAG.SEQUENCE,
    (response) => {
      const number = response.smallInteger(TAG.ENUMERATED);
      if (number === 0) return response.within(constructedContext(0), readResponseBytes);
      const responseStatus = ERROR_BY_NUMBER.get(number);
      if (responseStatus === undefined) throw malformed("no such response status");
      return { responseStatus };
    },
    MAX_RESPONSE_OCTETS,
  );
}

function readResponseBytes(field: DerReader): OcspResponse {
  return field.within(TAG.SEQUENCE, (bytes) => {
    if (bytes.oid() !== OID.ocspBasic) throw malformed("response type is not id-pkix-ocsp-basic");
    const basic = DerReader.whole(bytes.octetString(), TAG.SEQUENCE, readBasicResponse);
    return { responseStatus: "successful", ...basic };
  });
}

/** BasicOCSPResponse ::= SEQUENCE { tbsResponseData, signatureAlgorithm, signature BIT STRING,
 *  certs [0] EXPLICIT SEQUENCE OF Certificate OPTIONAL } */
function readBasicResponse(basic: DerReader): BasicOcspResponse {
  const tbsDer = basic.element(TAG.SEQUENCE);
  const signatureAlgorithmDer = readAlgorithmIdentifier(basic);
  const signature = basic.bitStringOctets();
  const certificates = basic.optional(constructedContext(0), (certs) =>
    certs.listOf(TAG.SEQUENCE, (list) => new Certificate(list.element(TAG.SEQUENCE)), 0),
  );
  return {
    tbsDer,
    data: parseOcspResponseData(tbsDer),
    signatureAlgorithmDer,
    signature,
    certificates: certificates ?? [],
  };
}

/** DER of a successful OCSPResponse. `certificatesDer`: the responder's, none when the issuer signs itself. */
export function assembleOcspResponse(
  responseDataDer: Uint8Array,
  signatureAlgorithm: SignatureAlgorithmId,
  signature: Uint8Array,
  certificatesDer: readonly Uint8Array[] = [],
): Uint8Array {
  const { algorithmIdentifierDer } = SIGNATURE_ALGORITHMS[signatureAlgorithm];
  return encode((writer) => {
    writer.raw(certificatesField(certificatesDer));
    writer.bitString(signature);
    writer.raw(algorithmIdentifierDer);
    writer.raw(responseDataDer);
    wrapBasicResponse(writer);
  });
}

/** certs [0] EXPLICIT SEQUENCE OF Certificate OPTIONAL, as it stands at the end; empty without certificates. */
export function certificatesField(certificatesDer: readonly Uint8Array[]): Uint8Array {
  if (certificatesDer.length === 0) return new Uint8Array();
  return encode((writer) => {
    writer.rawAll(certificatesDer);
    writer.wrap(TAG.SEQUENCE, 0);
    writer.wrap(constructedContext(0), 0);
  });
}

/** Makes the four fields of a BasicOCSPResponse, all that the writer holds, a successful OCSPResponse. */
export function wrapBasicResponse(writer: DerWriter): void {
  writer.wrap(TAG.SEQUENCE, 0);
  writer.wrap(TAG.OCTET_STRING, 0);
  writer.oid(OID.ocspBasic);
  writer.wrap(TAG.SEQUENCE, 0);
  writer.wrap(constructedContext(0), 0);
  writer.octet(0); // successful
  writer.octet(1);
  writer.octet(TAG.ENUMERATED);
  writer.wrap(TAG.SEQUENCE, 0);
}
