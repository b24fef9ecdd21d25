import { type Certificate, parseCertificate, readSerial } from "../certificate.ts";
import { toLatin1 } from "../der/bytes.ts";
import { malformed } from "../der/malformed.ts";
import { DerReader } from "../der/reader.ts";
import { constructedContext, primitiveContext, TAG } from "../der/tags.ts";
import { type Name, readName } from "../name.ts";
import { OID } from "../oids.ts";
import { readAlgorithmIdentifier } from "../signed.ts";
import { type Attribute, readAttributes } from "./attributes.ts";

/** Certificates that a message may carry: whoever looks for a signer looks at each. */
const MAX_CERTIFICATES = 32;
const MAX_SIGNERS = 16;
const MAX_DIGEST_ALGORITHMS = 16;

/** SignerIdentifier (RFC 5652 section 5.3). */
export type SignerIdentifier =
  | { readonly issuer: Name; readonly serial: Uint8Array }
  | { readonly subjectKeyIdentifier: Uint8Array };

/** SignerInfo (RFC 5652 section 5.3). Byte fields share the input's memory. */
export interface SignerInfo {
  readonly version: number;
  readonly sid: SignerIdentifier;
  readonly digestAlgorithmDer: Uint8Array;
  /** In encoded order; whether DER would order them so, and whether a type comes twice, is for `SIGNER_CHECKS` to say. */
  readonly signedAttributes: readonly Attribute[] | undefined;
  /** What the signature is over: the signed attributes as they came, under the tag of a SET OF (section 5.4). */
  readonly signedAttributesDer: Uint8Array | undefined;
  readonly signatureAlgorithmDer: Uint8Array;
  readonly signature: Uint8Array;
  readonly unsignedAttributes: readonly Attribute[];
}

/** SignedData (RFC 5652 section 5.1). Byte fields share the input's memory. */
export interface SignedData {
  readonly version: number;
  readonly digestAlgorithmDers: readonly Uint8Array[];
  /** eContentType, dotted. */
  readonly contentType: string;
  /** eContent; undefined: detached. */
  readonly content: Uint8Array | undefined;
  /** In encoded order, which is that of the sender. Nothing is said by a certificate's being here. */
  readonly certificates: readonly Certificate[];
  readonly signerInfos: readonly SignerInfo[];
}

/** The SignedData in a ContentInfo (RFC 5652 section 3), in DER. Revocation information that comes along is passed over; certificates that
 *  are not X.509's are refused. Throws DER_MALFORMED, CERTIFICATE_MALFORMED. */
export function parseSignedData(der: Uint8Array, maxOctets: number): SignedData {
  return DerReader.whole(
    der,
    TAG.SEQUENCE,
    (contentInfo) => {
      if (contentInfo.oid() !== OID.signedData) throw malformed("not id-signedData");
      return contentInfo.within(constructedContext(0), (content) => content.within(TAG.SEQUENCE, readSignedData));
    },
    maxOctets,
  );
}

function readSignedData(reader: DerReader): SignedData {
  const version = reader.smallInteger();
  const digestAlgorithmDers = reader.listOf(TAG.SET, readAlgorithmIdentifier, 0);
  const { contentType, content } = reader.within(TAG.SEQUENCE, readEncapsulated);
  const certificates = reader.nextIs(constructedContext(0))
    ? reader.listOf(constructedContext(0), (set) => knownCertificate(set.element(TAG.SEQUENCE)), 0)
    : [];
  if (reader.nextIs(constructedContext(1))) reader.skipChecked();
  const signerInfos = reader.listOf(TAG.SET, (set) => set.within(TAG.SEQUENCE, readSignerInfo), 0);
  if (digestAlgorithmDers.length > MAX_DIGEST_ALGORITHMS) throw malformed("too many digest algorithms");
  if (certificates.length > MAX_CERTIFICATES) throw malformed(`more than ${MAX_CERTIFICATES} certificates`);
  if (signerInfos.length > MAX_SIGNERS) throw malformed(`more than ${MAX_SIGNERS} signers`);
  return { version, digestAlgorithmDers, contentType, content, certificates, signerInfos };
}

/** Certificates that came in messages. The same few signers and units come again in each of theirs, and to read a certificate takes ten
 *  times as long as to find it here. */
const KNOWN_CERTIFICATES = new Map<string, Certificate>();
const MAX_KNOWN_CERTIFICATES = 256;
/** Ours have some 1 KiB. */
const MAX_KNOWN_OCTETS = 4096;

function knownCertificate(der: Uint8Array): Certificate {
  if (der.length > MAX_KNOWN_OCTETS) return parseCertificate(der);
  const name = toLatin1(der);
  let certificate = KNOWN_CERTIFICATES.get(name);
  if (certificate === undefined) {
    certificate = parseCertificate(Uint8Array.from(der)); // a copy, so that the message itself is not kept
    if (KNOWN_CERTIFICATES.size >= MAX_KNOWN_CERTIFICATES) KNOWN_CERTIFICATES.clear();
    KNOWN_CERTIFICATES.set(name, certificate);
  }
  return certificate;
}

/** EncapsulatedContentInfo ::= SEQUENCE { eContentType, eContent [0] EXPLICIT OCTET STRING OPTIONAL } (RFC 5652 section 5.2) */
function readEncapsulated(reader: DerReader): Pick<SignedData, "contentType" | "content"> {
  return {
    contentType: reader.oid(),
    content: reader.optional(constructedContext(0), (content) => content.octetString()),
  };
}

function readSignerInfo(reader: DerReader): SignerInfo {
  const version = reader.smallInteger();
  const sid = readSignerIdentifier(reader);
  const digestAlgorithmDer = readAlgorithmIdentifier(reader);
  const signed = reader.nextIs(constructedContext(0)) ? reader.element() : undefined;
  const signatureAlgorithmDer = readAlgorithmIdentifier(reader);
  const signature = reader.octetString();
  const unsignedAttributes = reader.nextIs(constructedContext(1)) ? readAttributes(reader, constructedContext(1)) : [];
  return {
    ...{ version, sid, digestAlgorithmDer, signatureAlgorithmDer, signature, unsignedAttributes },
    signedAttributes: signed && readAttributes(DerReader.over(signed), constructedContext(0)),
    signedAttributesDer: signed?.with(0, TAG.SET),
  };
}

/** SignerIdentifier ::= CHOICE { issuerAndSerialNumber, subjectKeyIdentifier [0] IMPLICIT OCTET STRING } */
function readSignerIdentifier(reader: DerReader): SignerIdentifier {
  const tag = primitiveContext(0);
  if (reader.nextIs(tag)) return { subjectKeyIdentifier: reader.octetString(tag) };
  return reader.within(TAG.SEQUENCE, (name) => ({ issuer: readName(name), serial: readSerial(name) }));
}
