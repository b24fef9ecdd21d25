import { PkiError } from "@vcc-pki/errors";
import { fitsKey, SIGNATURE_ALGORITHMS, type SignatureAlgorithmId } from "../algorithms.ts";
import type { Certificate } from "../certificate.ts";
import { constructedContext, TAG } from "../der/tags.ts";
import { DerWriter, encode } from "../der/writer.ts";
import { digestAlgorithmFor, HASH_ALGORITHMS, type HashAlgorithm } from "../hash-algorithms.ts";
import { OID } from "../oids.ts";
import { cmsAlgorithmProtection } from "./algorithm-protection.ts";
import { buildAttribute } from "./attributes.ts";
import { signingCertificateV2 } from "./signing-certificate.ts";

export interface CmsSignerFields {
  /** eContentType, dotted. */
  readonly contentType: string;
  readonly certificate: Certificate;
  /** Further certificates that go along with the signer's, in any order. */
  readonly chain?: readonly Certificate[];
  readonly signatureAlgorithm: SignatureAlgorithmId;
  /** Whether the attribute CMSAlgorithmProtection is signed as well; default true. */
  readonly algorithmProtection?: boolean;
}

export interface SignedDataFields {
  /** eContent; undefined: detached. */
  readonly content?: Uint8Array;
  /** As `signedAttributes` returned it. */
  readonly signedAttributesDer: Uint8Array;
  /** Over the signed attributes; ECDSA's as DER. */
  readonly signature: Uint8Array;
  readonly withCertificates: boolean;
  /** Each the DER of an Attribute. */
  readonly unsignedAttributes?: readonly Uint8Array[];
}

/** Signed attributes with room for what differs from one to the next. */
interface Prepared {
  readonly der: Uint8Array;
  readonly digestOffset: number;
  readonly timeOffset: number;
}

/**
 * All that is the same in every CMS signature of one signer, encoded once. A signature is made in three steps: `signedAttributes` over the
 * content's digest, a signature over these octets, and `signedData` around all of it. One signer, named by issuer and serial number.
 */
export class SignedDataTemplate {
  /** Hash of the content, for messageDigest. */
  readonly digestAlgorithm: HashAlgorithm;
  readonly #fixedAttributes: readonly Uint8Array[];
  readonly #messageDigest: Uint8Array;
  /** By the length of signingTime's encoding, which decides where it is sorted in, and the MIME type. */
  readonly #prepared = new Map<string, Prepared>();
  /** SignedData from its version up to digestAlgorithms. */
  readonly #head: Uint8Array;
  readonly #contentTypeDer: Uint8Array;
  readonly #certificates: Uint8Array;
  /** SignerInfo from its version up to digestAlgorithm. */
  readonly #signerHead: Uint8Array;
  readonly #signatureAlgorithmDer: Uint8Array;

  /** Throws ALGORITHM_NOT_ALLOWED when the algorithm does not go with the certificate's key. */
  constructor({
    contentType,
    certificate,
    chain = [],
    signatureAlgorithm,
    algorithmProtection = true,
  }: CmsSignerFields) {
    if (!fitsKey(signatureAlgorithm, certificate.keyAlgorithm)) {
      throw new PkiError("ALGORITHM_NOT_ALLOWED", `${signatureAlgorithm} does not go with ${certificate.keyAlgorithm}`);
    }
    this.digestAlgorithm = digestAlgorithmFor(signatureAlgorithm);
    const { absentDer: digestAlgorithmDer, octets } = HASH_ALGORITHMS[this.digestAlgorithm];
    this.#signatureAlgorithmDer = SIGNATURE_ALGORITHMS[signatureAlgorithm].algorithmIdentifierDer;
    this.#fixedAttributes = [
      buildAttribute(OID.contentType, (writer) => writer.oid(contentType)),
      signingCertificateV2(certificate),
      ...(algorithmProtection ? [cmsAlgorithmProtection(digestAlgorithmDer, this.#signatureAlgorithmDer)] : []),
    ];
    this.#messageDigest = buildAttribute(OID.messageDigest, (writer) => writer.octetString(new Uint8Array(octets)));
    this.#head = signedDataHead(contentType === OID.data ? 1 : 3, digestAlgorithmDer);
    this.#contentTypeDer = encode((writer) => writer.oid(contentType));
    this.#certificates = certificateSet([certificate, ...chain]);
    this.#signerHead = signerInfoHead(certificate, digestAlgorithmDer);
  }

  /** DER of SignedAttributes as they are signed: an explicit, sorted SET OF (RFC 5652 section 5.4) with contentType, messageDigest,
   *  signingCertificateV2, and if wanted signingTime (section 11.3, whole seconds), CMSAlgorithmProtection, and a MIME type of the content
   *  (EN 319 122-1 section 5.2.5), of which a signer has a few. */
  signedAttributes(messageDigest: Uint8Array, signingTime?: Date, mimeType?: string): Uint8Array {
    const timeDer = signingTime && encode((writer) => writer.time(signingTime), 32);
    const { der, digestOffset, timeOffset } = this.#prepare(timeDer, mimeType);
    if (messageDigest.length !== HASH_ALGORITHMS[this.digestAlgorithm].octets) {
      throw new RangeError(`messageDigest is not a ${this.digestAlgorithm} hash`);
    }
    const patched = Buffer.from(der);
    patched.set(messageDigest, digestOffset);
    if (timeDer) patched.set(timeDer, timeOffset);
    return patched;
  }

  #prepare(timeDer: Uint8Array = new Uint8Array(), mimeType?: string): Prepared {
    const key = `${timeDer.length} ${mimeType ?? ""}`;
    const known = this.#prepared.get(key);
    if (known !== undefined) return known;
    const messageDigest = this.#messageDigest;
    const signingTime = buildAttribute(OID.signingTime, (writer) => writer.raw(timeDer));
    const attributes = [...this.#fixedAttributes, messageDigest, ...(timeDer.length > 0 ? [signingTime] : [])];
    if (mimeType !== undefined)
      attributes.push(buildAttribute(OID.mimeType, (writer) => writer.utf8(TAG.UTF8_STRING, mimeType)));
    attributes.sort(Buffer.compare);
    const der = encode((writer) => {
      writer.rawAll(attributes);
      writer.wrap(TAG.SET, 0);
    });
    // Both values stand at the end of their attributes.
    const endOf = (attribute: Uint8Array) => Buffer.from(der).indexOf(attribute) + attribute.length;
    const digestOffset = endOf(messageDigest) - HASH_ALGORITHMS[this.digestAlgorithm].octets;
    const prepared = { der, digestOffset, timeOffset: endOf(signingTime) - timeDer.length };
    this.#prepared.set(key, prepared);
    return prepared;
  }

  /** DER of the ContentInfo (RFC 5652 sections 3 and 5.1). */
  signedData(fields: SignedDataFields): Buffer {
    const { content, signedAttributesDer, signature, withCertificates, unsignedAttributes = [] } = fields;
    const octets = signedAttributesDer.length + signature.length + (content?.length ?? 0) + this.#certificates.length;
    const writer = new DerWriter(octets + 512);
    if (unsignedAttributes.length > 0) {
      writer.rawAll(unsignedAttributes.toSorted(Buffer.compare));
      writer.wrap(constructedContext(1), 0);
    }
    writer.octetString(signature);
    writer.raw(this.#signatureAlgorithmDer);
    writer.raw(signedAttributesDer.subarray(1));
    writer.octet(constructedContext(0)); // IMPLICIT here, a SET OF under the signature
    writer.raw(this.#signerHead);
    writer.wrap(TAG.SEQUENCE, 0);
    writer.wrap(TAG.SET, 0);
    if (withCertificates) writer.raw(this.#certificates);
    this.#writeContent(writer, content);
    writer.raw(this.#head);
    writer.wrap(TAG.SEQUENCE, 0);
    writer.wrap(constructedContext(0), 0);
    writer.oid(OID.signedData);
    writer.wrap(TAG.SEQUENCE, 0);
    return writer.take();
  }

  /** EncapsulatedContentInfo ::= SEQUENCE { eContentType, eContent [0] EXPLICIT OCTET STRING OPTIONAL } (RFC 5652 section 5.2) */
  #writeContent(writer: DerWriter, content: Uint8Array | undefined): void {
    const end = writer.mark();
    if (content !== undefined) {
      writer.octetString(content);
      writer.wrap(constructedContext(0), end);
    }
    writer.raw(this.#contentTypeDer);
    writer.wrap(TAG.SEQUENCE, end);
  }
}

/** version and digestAlgorithms of SignedData. The version is 1 for id-data, 3 for all else, as long as there are no attribute certificates
 *  and every signer is named by issuer and serial number (RFC 5652 section 5.1). */
function signedDataHead(version: 1 | 3, digestAlgorithmDer: Uint8Array): Uint8Array {
  return encode((writer) => {
    writer.raw(digestAlgorithmDer);
    writer.wrap(TAG.SET, 0);
    writer.integer(version);
  });
}

/** version, sid and digestAlgorithm of SignerInfo: 1 goes with IssuerAndSerialNumber (RFC 5652 section 5.3). */
function signerInfoHead({ issuer, serial }: Certificate, digestAlgorithmDer: Uint8Array): Uint8Array {
  return encode((writer) => {
    writer.raw(digestAlgorithmDer);
    const end = writer.mark();
    writer.primitive(TAG.INTEGER, serial);
    writer.raw(issuer.der);
    writer.wrap(TAG.SEQUENCE, end);
    writer.integer(1);
  });
}

/** certificates [0] IMPLICIT CertificateSet: sorted, as DER has it of a SET OF. */
function certificateSet(certificates: readonly Certificate[]): Uint8Array {
  return encode((writer) => {
    writer.rawAll(certificates.map(({ der }) => der).sort(Buffer.compare));
    writer.wrap(constructedContext(0), 0);
  });
}
