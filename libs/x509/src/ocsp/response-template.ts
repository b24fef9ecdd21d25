import { SIGNATURE_ALGORITHMS, type SignatureAlgorithmId } from "../algorithms.ts";
import { DerWriter, encode } from "../der/writer.ts";
import { certificatesField, wrapBasicResponse } from "./response.ts";
import { type ResponseDataFields, responderIdByKey, writeResponseData } from "./response-data.ts";

export interface OcspResponderFields {
  /** SHA-1 of the responder's key, see `sha1KeyIdentifier`. */
  readonly responderKeyHash: Uint8Array;
  readonly signatureAlgorithm: SignatureAlgorithmId;
  /** The responder's certificate; none when the issuer signs itself. */
  readonly certificatesDer: readonly Uint8Array[];
}

/**
 * All that is the same in every answer of one responder, encoded once. Fields give the same octets each time, so a signature
 * made over `responseData(fields)` may be kept with the fields alone, and the answer put together when it is asked for.
 */
export class OcspResponseTemplate {
  readonly #responderIdDer: Uint8Array;
  /** AlgorithmIdentifier beside the signature. */
  readonly #algorithmIdentifierDer: Uint8Array;
  readonly #certificates: Uint8Array;

  constructor({ responderKeyHash, signatureAlgorithm, certificatesDer }: OcspResponderFields) {
    this.#responderIdDer = responderIdByKey(responderKeyHash);
    this.#algorithmIdentifierDer = SIGNATURE_ALGORITHMS[signatureAlgorithm].algorithmIdentifierDer;
    this.#certificates = certificatesField(certificatesDer);
  }

  /** DER of the ResponseData: what is to be signed. */
  responseData(fields: ResponseDataFields): Uint8Array {
    return encode((writer) => writeResponseData(writer, this.#responderIdDer, fields), 512);
  }

  /** The whole OCSPResponse around a ResponseData and its signature. */
  response(responseDataDer: Uint8Array, signature: Uint8Array): Buffer {
    const writer = this.#begin(signature, responseDataDer.length);
    writer.raw(responseDataDer);
    wrapBasicResponse(writer);
    return writer.take();
  }

  /** `response(responseData(fields), signature)` in one go. */
  answer(fields: ResponseDataFields, signature: Uint8Array): Buffer {
    const writer = this.#begin(signature, 256 * fields.responses.length);
    writeResponseData(writer, this.#responderIdDer, fields);
    wrapBasicResponse(writer);
    return writer.take();
  }

  #begin(signature: Uint8Array, dataOctets: number): DerWriter {
    const writer = new DerWriter(this.#certificates.length + signature.length + dataOctets + 256);
    writer.raw(this.#certificates);
    writer.bitString(signature);
    writer.raw(this.#algorithmIdentifierDer);
    return writer;
  }
}
