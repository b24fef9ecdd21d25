import { createHash } from "node:crypto";
import { cmsAlgorithmProtection } from "../src/cms/algorithm-protection.ts";
import { signingCertificateV2 } from "../src/cms/signing-certificate.ts";
import {
  buildAttribute,
  type Certificate,
  constructedContext,
  digestAlgorithmFor,
  encode,
  HASH_ALGORITHMS,
  OID,
  primitiveContext,
  SIGNATURE_ALGORITHMS,
  TAG,
} from "../src/index.ts";
import type { TestSigner } from "./signer.ts";

/** What may differ from a sound token. Attributes are put in as they stand here, and the signature is a true one over them. */
export interface Craft {
  readonly contentInfoOid?: string;
  readonly version?: number;
  readonly digestAlgorithms?: readonly Uint8Array[];
  readonly contentType?: string;
  readonly content?: Uint8Array | undefined;
  readonly certificates?: readonly Uint8Array[];
  readonly signerInfos?: readonly Uint8Array[];
}

export interface SignerCraft {
  readonly version?: number;
  /** Names this certificate instead of the unit's. */
  readonly names?: Pick<Certificate, "issuer" | "serial">;
  readonly bySubjectKeyIdentifier?: Uint8Array;
  readonly digestAlgorithm?: Uint8Array;
  readonly attributes?: readonly Uint8Array[] | undefined;
  /** Attributes that are signed, when others are in the message. */
  readonly signedOctets?: Uint8Array;
  readonly signatureAlgorithm?: Uint8Array;
  readonly signature?: Uint8Array;
  readonly unsignedAttributes?: readonly Uint8Array[];
}

export const setOf = (values: readonly Uint8Array[], tag: number = TAG.SET): Uint8Array =>
  encode((writer) => {
    writer.rawAll(values);
    writer.wrap(tag, 0);
  });

export const sorted = (attributes: readonly Uint8Array[]): Uint8Array[] => attributes.toSorted(Buffer.compare);

const hashOf = ({ signatureAlgorithm }: TestSigner) => digestAlgorithmFor(signatureAlgorithm);

export const contentTypeAttribute = (oid: string = OID.tstInfo): Uint8Array =>
  buildAttribute(OID.contentType, (writer) => writer.oid(oid));

export const messageDigestAttribute = (unit: TestSigner, content: Uint8Array): Uint8Array =>
  buildAttribute(OID.messageDigest, (writer) => writer.octetString(createHash(hashOf(unit)).update(content).digest()));

/** The attributes of a sound token over this content, by name. */
export const usualAttributes = (unit: TestSigner, content: Uint8Array) => ({
  contentType: contentTypeAttribute(),
  messageDigest: messageDigestAttribute(unit, content),
  signingCertificate: signingCertificateV2(unit.certificate),
  protection: cmsAlgorithmProtection(
    HASH_ALGORITHMS[hashOf(unit)].absentDer,
    SIGNATURE_ALGORITHMS[unit.signatureAlgorithm].algorithmIdentifierDer,
  ),
});

export function craftSignerInfo(unit: TestSigner, content: Uint8Array, craft: SignerCraft = {}): Uint8Array {
  const usual = sorted(Object.values(usualAttributes(unit, content)));
  const attributes = "attributes" in craft ? craft.attributes : usual;
  const { issuer, serial } = craft.names ?? unit.certificate;
  const { bySubjectKeyIdentifier: byKey } = craft;
  const signature =
    craft.signature ?? unit.signOctets(craft.signedOctets ?? (attributes ? setOf(attributes) : content));
  return encode((writer) => {
    if (craft.unsignedAttributes?.length) writer.raw(setOf(craft.unsignedAttributes, constructedContext(1)));
    writer.octetString(signature);
    writer.raw(craft.signatureAlgorithm ?? SIGNATURE_ALGORITHMS[unit.signatureAlgorithm].algorithmIdentifierDer);
    if (attributes) writer.raw(setOf(attributes, constructedContext(0)));
    writer.raw(craft.digestAlgorithm ?? HASH_ALGORITHMS[hashOf(unit)].absentDer);
    if (byKey) writer.primitive(primitiveContext(0), byKey);
    else {
      const end = writer.mark();
      writer.primitive(TAG.INTEGER, serial);
      writer.raw(issuer.der);
      writer.wrap(TAG.SEQUENCE, end);
    }
    writer.integer(craft.version ?? (byKey ? 3 : 1));
    writer.wrap(TAG.SEQUENCE, 0);
  }, 4096);
}

/** A token as `TokenTemplate` writes it, but for what is crafted. */
export function craftToken(unit: TestSigner, tstInfoDer: Uint8Array, craft: Craft = {}): Uint8Array {
  const { version = 3, contentType = OID.tstInfo, certificates = [unit.certificate.der] } = craft;
  const content = "content" in craft ? craft.content : tstInfoDer;
  const signerInfos = craft.signerInfos ?? [craftSignerInfo(unit, tstInfoDer)];
  return encode((writer) => {
    writer.raw(setOf(signerInfos));
    if (certificates.length > 0) writer.raw(setOf(certificates, constructedContext(0)));
    const end = writer.mark();
    if (content) {
      writer.octetString(content);
      writer.wrap(constructedContext(0), end);
    }
    writer.oid(contentType);
    writer.wrap(TAG.SEQUENCE, end);
    writer.raw(setOf(craft.digestAlgorithms ?? [HASH_ALGORITHMS[hashOf(unit)].absentDer]));
    writer.integer(version);
    writer.wrap(TAG.SEQUENCE, 0);
    writer.wrap(constructedContext(0), 0);
    writer.oid(craft.contentInfoOid ?? OID.signedData);
    writer.wrap(TAG.SEQUENCE, 0);
  }, 8192);
}
