import { cmsAlgorithmProtection } from "../../src/cms/algorithm-protection.ts";
import { signingCertificateV2 } from "../../src/cms/signing-certificate.ts";
import { buildAttribute, HASH_ALGORITHMS, OID, SIGNATURE_ALGORITHMS } from "../../src/index.ts";
import { patched } from "../crafted.ts";
import {
  contentTypeAttribute,
  craftSignerInfo,
  craftToken,
  messageDigestAttribute,
  setOf,
  sorted,
} from "../crafted-token.ts";
import {
  DATA,
  flipped,
  messageImprint,
  type Row,
  sameName,
  signedData,
  sound,
  stranger,
  tstInfoDer,
  unit,
  usual,
  withAttributes,
  withSigner,
} from "./cast.ts";

const { issuer, serial } = unit.certificate;
const P256 = SIGNATURE_ALGORITHMS["ecdsa-p256-sha256"].algorithmIdentifierDer;
const P384 = SIGNATURE_ALGORITHMS["ecdsa-p384-sha384"].algorithmIdentifierDer;
const { sha256, sha384 } = HASH_ALGORITHMS;
const signature = signedData.signerInfos[0]?.signature as Uint8Array;

/** What is wrong with who signed, what was signed, or the signature. */
export const SIGNER: readonly Row[] = [
  ["no certificate", craftToken(unit, tstInfoDer, { certificates: [] }), "signer-certificate"],
  [
    "another's certificate only",
    craftToken(unit, tstInfoDer, { certificates: [stranger.certificate.der] }),
    "signer-certificate",
  ],
  [
    "a certificate of the same name and number instead",
    craftToken(unit, tstInfoDer, { certificates: [sameName.der] }),
    "signature",
  ],
  [
    "a certificate of the same name and number beside",
    craftToken(unit, tstInfoDer, { certificates: [sameName.der, unit.certificate.der] }),
    "signer-certificate",
  ],
  [
    "a signer of another number",
    withSigner({ names: { issuer, serial: flipped(serial, serial) } }),
    "signer-certificate",
  ],
  [
    "a signer of another issuer",
    withSigner({ names: { issuer: stranger.certificate.subject, serial } }),
    "signer-certificate",
  ],
  [
    "a key identifier that is nobody's",
    withSigner({ bySubjectKeyIdentifier: new Uint8Array(20) }),
    "signer-certificate",
  ],
  ["SignedData of version 1", craftToken(unit, tstInfoDer, { version: 1 }), "versions", "does not look at versions"],
  ["SignerInfo of version 3", withSigner({ version: 3 }), "versions", "does not look at versions"],
  ["no signed attributes", withSigner({ attributes: undefined }), "signed-attributes"],
  [
    "no signed attributes, and theirs as content",
    craftToken(unit, tstInfoDer, {
      content: setOf(sorted(Object.values(usual))),
      signerInfos: [craftSignerInfo(unit, tstInfoDer, { attributes: undefined, signature })],
    }),
    "well-formed",
  ],
  [
    "attributes out of order",
    withSigner({ attributes: sorted(Object.values(usual)).toReversed() }),
    "signed-attributes",
    "takes attributes as they come",
  ],
  [
    "an attribute twice",
    withSigner({ attributes: sorted([...Object.values(usual), usual.contentType]) }),
    "signed-attributes",
    "takes attributes as they come",
  ],
  ["no contentType", withAttributes({ contentType: undefined }), "signed-attributes", "does not look at contentType"],
  ["no messageDigest", withAttributes({ messageDigest: undefined }), "signed-attributes"],
  ["a messageDigest of two values", withAttributes({ messageDigest: twoDigests() }), "signed-attributes"],
  [
    "a contentType of data",
    withAttributes({ contentType: contentTypeAttribute(OID.data) }),
    "content-type",
    "does not look at contentType",
  ],
  [
    "the digest of other content",
    withAttributes({ messageDigest: messageDigestAttribute(unit, DATA) }),
    "message-digest",
  ],
  [
    "other content",
    craftToken(unit, flipped(tstInfoDer, messageImprint.digest), { signerInfos: [craftSignerInfo(unit, tstInfoDer)] }),
    "message-digest",
  ],
  [
    "a digest algorithm that is not in front",
    craftToken(unit, tstInfoDer, { digestAlgorithms: [sha384.absentDer] }),
    "digest-algorithm",
  ],
  ["no digest algorithm in front", craftToken(unit, tstInfoDer, { digestAlgorithms: [] }), "digest-algorithm"],
  [
    "another digest algorithm than the signature's",
    withSigner({ digestAlgorithm: sha384.absentDer }, { digestAlgorithms: [sha384.absentDer] }),
    "digest-algorithm",
  ],
  [
    "an unknown digest algorithm",
    withSigner({ digestAlgorithm: patched(sha256.absentDer, "0201", "0209") }),
    "digest-algorithm",
  ],
  ["a flipped bit in the signature", flipped(sound, signature), "signature"],
  [
    "another's signature",
    withSigner({ signature: stranger.signOctets(setOf(sorted(Object.values(usual)))) }),
    "signature",
  ],
  ["an empty signature", withSigner({ signature: new Uint8Array() }), "signature"],
  ["the signature over the content itself", withSigner({ signature: unit.signOctets(tstInfoDer) }), "signature"],
  [
    "the signature over the attributes under the tag they are sent with",
    withSigner({ signature: unit.signOctets(setOf(sorted(Object.values(usual)), 0xa0)) }),
    "signature",
  ],
  [
    "another signature algorithm",
    withSigner({ signatureAlgorithm: P384 }),
    "digest-algorithm",
    "takes the hash from the digest algorithm, the rest from the key",
  ],
  [
    "a signature algorithm of another kind of key",
    withSigner({
      signatureAlgorithm: SIGNATURE_ALGORITHMS["rsa-pkcs1-sha256"].algorithmIdentifierDer,
      attributes: sorted([usual.contentType, usual.messageDigest, usual.signingCertificate]),
    }),
    "signature",
    "takes the hash from the digest algorithm, the rest from the key",
  ],
  [
    "no certificate named under the signature",
    withAttributes({ signingCertificate: undefined }),
    "signing-certificate",
  ],
  [
    "another certificate named under the signature",
    withAttributes({ signingCertificate: signingCertificateV2(stranger.certificate) }),
    "signing-certificate",
  ],
  [
    "a certificate of the same name named under the signature",
    withAttributes({ signingCertificate: signingCertificateV2(sameName) }),
    "signing-certificate",
  ],
  [
    "a flipped bit in the hash of the certificate",
    withAttributes({ signingCertificate: flipped(usual.signingCertificate, usual.signingCertificate, 40) }),
    "signing-certificate",
  ],
  [
    "a certificate named by another number",
    withAttributes({ signingCertificate: flipped(usual.signingCertificate, usual.signingCertificate) }),
    "signing-certificate",
  ],
  [
    "other algorithms under the signature",
    withAttributes({ protection: cmsAlgorithmProtection(sha384.absentDer, P256) }),
    "algorithm-protection",
    "does not know CMSAlgorithmProtection",
  ],
  [
    "another signature algorithm under the signature",
    withAttributes({ protection: cmsAlgorithmProtection(sha256.absentDer, P384) }),
    "algorithm-protection",
    "does not know CMSAlgorithmProtection",
  ],
];

function twoDigests(): Uint8Array {
  const values = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)];
  return buildAttribute(OID.messageDigest, (writer) => {
    for (const value of values.toReversed()) writer.octetString(value);
  });
}
