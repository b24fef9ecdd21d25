import { cmsAlgorithmProtection } from "../src/cms/algorithm-protection.ts";
import { signingCertificateV2 } from "../src/cms/signing-certificate.ts";
import {
  buildAttribute,
  buildSignatureTimeStamp,
  type DerWriter,
  HASH_ALGORITHMS,
  imprintData,
  OID,
  parseCertificate,
  parseSignedData,
  SIGNATURE_ALGORITHMS,
  TAG,
} from "../src/index.ts";
import { leafTbs, NOT_AFTER } from "./authority.ts";
import { makeCodeSigner, signDetached } from "./code-signer.ts";
import {
  type Craft,
  contentTypeAttribute,
  craftSignerInfo,
  craftToken,
  messageDigestAttribute,
  type SignerCraft,
  setOf,
  sorted,
  usualAttributes,
} from "./crafted-token.ts";
import { makeKey } from "./keys.ts";
import { GEN_TIME, makeUnit } from "./time-stamping-unit.ts";

export const CONTENT = Buffer.from("what was signed");
export const signer = makeCodeSigner({ certificate: { notAfter: NOT_AFTER } });
export const unit = makeUnit({ certificate: { notAfter: NOT_AFTER } });
export const stranger = makeCodeSigner();
const foreignUnit = makeUnit();
export const sound = signDetached(signer, CONTENT, unit);

const stampOf = (octets: Uint8Array, by = unit) =>
  buildSignatureTimeStamp(by.stamp({ messageImprint: imprintData("sha256", octets) }));
const signingTime = (...writeValues: ((writer: DerWriter) => void)[]) =>
  buildAttribute(OID.signingTime, (writer) => {
    for (const write of writeValues) write(writer);
  });
const mimeType = (text: string) => buildAttribute(OID.mimeType, (writer) => writer.utf8(TAG.UTF8_STRING, text));
const atGenTime = (writer: DerWriter) => writer.time(GEN_TIME);

const usual = {
  ...usualAttributes(signer, CONTENT),
  contentType: contentTypeAttribute(OID.data),
  signingTime: signingTime(atGenTime),
};
type Attributes = Record<string, Uint8Array | undefined>;
const attributesWith = (change: Attributes = {}) =>
  sorted(Object.values({ ...usual, ...change }).filter((value) => value !== undefined));

/** A SignerInfo with a time stamp of whatever its signature is, unless unsigned attributes are crafted. */
function signerInfoWith(craft: SignerCraft, by = signer): Uint8Array {
  const attributes = "attributes" in craft ? craft.attributes : attributesWith();
  const signature = craft.signature ?? by.signOctets(craft.signedOctets ?? (attributes ? setOf(attributes) : CONTENT));
  const unsignedAttributes = craft.unsignedAttributes ?? [stampOf(signature)];
  return craftSignerInfo(by, CONTENT, { ...craft, attributes, signature, unsignedAttributes });
}

/** A signature as `signDetached` makes it, but for what is crafted. */
export const crafted = (craft: SignerCraft = {}, message: Craft = {}): Uint8Array =>
  craftToken(signer, CONTENT, {
    ...{ version: 1, contentType: OID.data, content: undefined, signerInfos: [signerInfoWith(craft)] },
    ...message,
  });
const withAttributes = (change: Attributes) => crafted({ attributes: attributesWith(change) });
const withTokens = (make: (signature: Uint8Array) => Uint8Array[]) => {
  const signature = signer.signOctets(setOf(attributesWith()));
  return crafted({ signature, unsignedAttributes: make(signature) });
};

const [soundInfo] = parseSignedData(sound, sound.length).signerInfos;
const soundSignature = soundInfo?.signature as Uint8Array;
const flipped = (part: Uint8Array, at = part.length - 1): Uint8Array => {
  const start = Buffer.from(sound).indexOf(part);
  return sound.with(start + at, (sound[start + at] as number) ^ 1);
};
const namesake = parseCertificate(
  signer.ca.sign(leafTbs(signer.ca, { serial: signer.certificate.serial, spkiDer: makeKey().spkiDer })),
);
const P384 = SIGNATURE_ALGORITHMS["ecdsa-p384-sha384"].algorithmIdentifierDer;
const { sha256, sha384 } = HASH_ALGORITHMS;
const flippedToken = (signature: Uint8Array): Uint8Array => {
  const stamp = stampOf(signature);
  return stamp.with(stamp.length - 1, (stamp.at(-1) as number) ^ 1);
};

/** What openssl cms does not look at. */
const UNSIGNED = "does not look at unsigned attributes";
const FORM = "does not look at versions and order";

/** What is wrong, the signature, the first of our checks that fails, and why `openssl cms -verify -cades` accepts it, where it does. */
type Row = readonly [what: string, signature: Uint8Array, check: string, overlookedByOpenssl?: string];

const ROWS: readonly Row[] = [
  ["nothing in it", new Uint8Array(), "well-formed"],
  ["a last octet missing", sound.subarray(0, -1), "well-formed"],
  ["an octet more", Buffer.concat([sound, Uint8Array.of(0)]), "well-formed", "reads no further than it needs"],
  ["another type of message", crafted({}, { contentInfoOid: OID.data }), "well-formed"],
  ["a time stamp in its place", unit.stamp({ messageImprint: imprintData("sha256", CONTENT) }), "message-digest"],
  ["no signer", crafted({}, { signerInfos: [] }), "one-signer"],
  [
    "two signers",
    crafted(
      {},
      {
        signerInfos: [signerInfoWith({}), signerInfoWith({ signature: signer.signOctets(CONTENT) })],
      },
    ),
    "one-signer",
  ],
  ["no certificate", crafted({}, { certificates: [] }), "signer-certificate"],
  ["another's certificate", crafted({}, { certificates: [stranger.certificate.der] }), "signer-certificate"],
  [
    "a certificate of the same name and number beside",
    crafted({}, { certificates: [signer.certificate.der, namesake.der] }),
    "signer-certificate",
    "takes the first that fits",
  ],
  ["a certificate of the same name and number", crafted({}, { certificates: [namesake.der] }), "signature"],
  ["SignedData of version 3", crafted({}, { version: 3 }), "versions", FORM],
  [
    "no signed attributes",
    crafted({ attributes: undefined }),
    "signed-attributes",
    "takes a signature over bare content",
  ],
  ["attributes out of order", crafted({ attributes: attributesWith().toReversed() }), "signed-attributes", FORM],
  [
    "a type of content that is not signed",
    crafted({}, { contentType: OID.tstInfo, version: 3 }),
    "content-type",
    "takes any type",
  ],
  ["no digest algorithm in front", crafted({}, { digestAlgorithms: [] }), "digest-algorithm"],
  [
    "another digest algorithm",
    crafted({ digestAlgorithm: sha384.absentDer }, { digestAlgorithms: [sha384.absentDer] }),
    "digest-algorithm",
  ],
  [
    "the digest of other content",
    withAttributes({ messageDigest: messageDigestAttribute(signer, Buffer.from("other")) }),
    "message-digest",
  ],
  ["a flipped bit in its signature", flipped(soundSignature), "signature"],
  ["a flipped bit in what is signed", flipped(soundInfo?.signedAttributesDer?.subarray(1) as Uint8Array), "signature"],
  [
    "a flipped bit in the signer's certificate",
    crafted({}, { certificates: [flippedEnd(signer.certificate.der)] }),
    "signing-certificate",
  ],
  ["another's signature", crafted({ signature: stranger.signOctets(setOf(attributesWith())) }), "signature"],
  ["no name of its certificate", withAttributes({ signingCertificate: undefined }), "signing-certificate"],
  [
    "the name of another certificate",
    withAttributes({ signingCertificate: signingCertificateV2(stranger.certificate) }),
    "signing-certificate",
  ],
  [
    "other algorithms under the signature",
    withAttributes({ protection: cmsAlgorithmProtection(sha256.absentDer, P384) }),
    "algorithm-protection",
    "does not look at CMSAlgorithmProtection",
  ],
  ["the content in the message", crafted({}, { content: CONTENT }), "detached", "takes content from either place"],
  [
    "another type of content",
    craftToken(signer, CONTENT, {
      ...{ version: 3, content: undefined },
      signerInfos: [signerInfoWith({ attributes: attributesWith({ contentType: contentTypeAttribute() }) })],
    }),
    "detached",
    "takes any type",
  ],
  ["no signing time", withAttributes({ signingTime: undefined }), "signing-time", "does not ask for it"],
  [
    "a signing time that is none",
    withAttributes({ signingTime: signingTime((writer) => writer.utf8(TAG.UTF8_STRING, "today")) }),
    "signing-time",
    "does not read it",
  ],
  [
    "a MIME type that was not asked for",
    withAttributes({ mimeType: mimeType("application/vnd.other") }),
    "mime-type",
    "does not look at it",
  ],
  ["no time stamp", withTokens(() => []), "time-stamp-present", UNSIGNED],
  [
    "two time stamps",
    withTokens((signature) => sorted([stampOf(signature), stampOf(signature)])),
    "time-stamp-present",
    UNSIGNED,
  ],
  ["a time stamp that is none", withTokens(() => [buildSignatureTimeStamp(sound)]), "time-stamp", UNSIGNED],
  ["a flipped bit in its time stamp", withTokens((signature) => [flippedToken(signature)]), "time-stamp", UNSIGNED],
  [
    "the time stamp of another signature",
    withTokens(() => [stampOf(soundSignature)]),
    "time-stamp-binds-signature",
    UNSIGNED,
  ],
  ["a time stamp of the content", withTokens(() => [stampOf(CONTENT)]), "time-stamp-binds-signature", UNSIGNED],
  [
    "a time stamp of somebody else",
    withTokens((signature) => [stampOf(signature, foreignUnit)]),
    "time-stamp-trust",
    UNSIGNED,
  ],
];

/** Signatures over CONTENT that nobody should believe, each for one reason. */
export const CADES_CORRUPTIONS = ROWS.map(([what, signature, check, overlookedByOpenssl]) => ({
  what,
  signature,
  check,
  overlookedByOpenssl,
}));

function flippedEnd(der: Uint8Array): Uint8Array {
  return der.with(der.length - 1, (der.at(-1) as number) ^ 1);
}
