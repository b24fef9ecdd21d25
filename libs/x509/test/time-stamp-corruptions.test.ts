import { describe, expect, it } from "vitest";
import { cmsAlgorithmProtection } from "../src/cms/algorithm-protection.ts";
import { signingCertificateV2 } from "../src/cms/signing-certificate.ts";
import {
  basicConstraints,
  buildAttribute,
  buildExtension,
  buildTimeStampReq,
  constructedContext,
  encode,
  extendedKeyUsage,
  HASH_ALGORITHMS,
  imprintData,
  keyUsage,
  OID,
  parseCertificate,
  parseTimeStampToken,
  pemEncode,
  privateKeyUsagePeriod,
  SIGNATURE_ALGORITHMS,
  sha1KeyIdentifier,
  TAG,
  TIME_STAMP_CHECKS,
  verifyTimeStampToken,
} from "../src/index.ts";
import { type Extensions, type LeafOverrides, leafTbs } from "./authority.ts";
import { patched } from "./crafted.ts";
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
import { openssl } from "./openssl.ts";
import { GEN_TIME, makeUnit, TEST_POLICY, type TestUnit } from "./time-stamping-unit.ts";

const DATA = Buffer.from("what was there at this time");
const NONCE = Uint8Array.of(0x12, 0x34, 0x56, 0x78, 0x9a);
const messageImprint = imprintData("sha256", DATA);

const unit = makeUnit();
const stranger = makeUnit();
const stamp = (by: TestUnit = unit) => by.stamp({ messageImprint, nonce: NONCE });
const sound = stamp();
const { tstInfoDer, signedData } = parseTimeStampToken(sound);
const usual = usualAttributes(unit, tstInfoDer);
const { issuer, serial } = unit.certificate;

const withSigner = (craft: SignerCraft, token: Craft = {}): Uint8Array =>
  craftToken(unit, tstInfoDer, { signerInfos: [craftSignerInfo(unit, tstInfoDer, craft)], ...token });
const withAttributes = (change: Record<string, Uint8Array | undefined>): Uint8Array =>
  withSigner({ attributes: sorted(Object.values({ ...usual, ...change }).filter((value) => value !== undefined)) });
/** Another TSTInfo under a true signature. */
const withContent = (content: Uint8Array): Uint8Array =>
  craftToken(unit, content, { signerInfos: [craftSignerInfo(unit, content)] });
const flipped = (der: Uint8Array, part: Uint8Array, at = part.length - 1): Uint8Array => {
  const start = Buffer.from(der).indexOf(part);
  if (start === -1) throw new Error("nothing to flip");
  return der.with(start + at, (der[start + at] as number) ^ 1);
};
const byUnitWith = (extensions: Extensions, certificate: Omit<LeafOverrides, "extensions"> = {}): Uint8Array =>
  stamp(makeUnit({ ca: unit.ca, extensions, certificate }));

/** A certificate with the unit's name and serial number for another key. */
const sameName = parseCertificate(
  unit.ca.sign(
    leafTbs(unit.ca, {
      ...{ serial, spkiDer: stranger.spkiDer },
      extensions: { extendedKeyUsage: extendedKeyUsage([OID.timeStamping], true), subjectAltName: new Uint8Array() },
    }),
  ),
);
const P256 = SIGNATURE_ALGORITHMS["ecdsa-p256-sha256"].algorithmIdentifierDer;
const P384 = SIGNATURE_ALGORITHMS["ecdsa-p384-sha384"].algorithmIdentifierDer;
const { sha256, sha384 } = HASH_ALGORITHMS;
const signature = signedData.signerInfos[0]?.signature as Uint8Array;
const hex = (octets: Uint8Array) => Buffer.from(octets).toString("hex");
const requestDer = buildTimeStampReq({ messageImprint, nonce: NONCE, certReq: true, reqPolicy: TEST_POLICY });

type Verdict = "refused" | "accepted";
/** What is wrong, the token, the first of our checks that fails, and what OpenSSL says of it. Where that is "accepted", it does not look. */
const CORRUPTIONS: [what: string, token: Uint8Array, check: string, openssl: Verdict][] = [
  ["nothing at all", new Uint8Array(), "well-formed", "refused"],
  ["cut short", sound.subarray(0, -1), "well-formed", "refused"],
  ["cut in half", sound.subarray(0, sound.length / 2), "well-formed", "refused"],
  ["an octet behind it", Uint8Array.from([...sound, 0]), "well-formed", "accepted"],
  [
    "a length of more octets than needed",
    Uint8Array.from([0x30, 0x83, 0, ...sound.subarray(2)]),
    "well-formed",
    "accepted",
  ],
  [
    "another content in ContentInfo",
    craftToken(unit, tstInfoDer, { contentInfoOid: OID.data }),
    "well-formed",
    "refused",
  ],
  ["no content", craftToken(unit, tstInfoDer, { content: undefined }), "well-formed", "refused"],
  ["content of type data", craftToken(unit, tstInfoDer, { contentType: OID.data }), "well-formed", "refused"],
  ["content that is no TSTInfo", withContent(Buffer.from("not a TSTInfo")), "well-formed", "refused"],
  ["TSTInfo of version 2", withContent(patched(tstInfoDer, "020101", "020102")), "well-formed", "refused"],
  [
    "genTime in local time",
    withContent(patched(tstInfoDer, hex(Buffer.from(".789Z")), hex(Buffer.from(".789A")))),
    "well-formed",
    "accepted",
  ],
  [
    "genTime of a 13th month",
    withContent(patched(tstInfoDer, hex(Buffer.from("20261101")), hex(Buffer.from("20261301")))),
    "well-formed",
    "accepted",
  ],
  [
    "a fraction with a zero at its end",
    withContent(patched(tstInfoDer, hex(Buffer.from(".789Z")), hex(Buffer.from(".780Z")))),
    "well-formed",
    "accepted",
  ],
  ["no signer", craftToken(unit, tstInfoDer, { signerInfos: [] }), "one-signer", "refused"],
  [
    "its signer twice",
    craftToken(unit, tstInfoDer, {
      signerInfos: [craftSignerInfo(unit, tstInfoDer), craftSignerInfo(unit, tstInfoDer)],
    }),
    "one-signer",
    "refused",
  ],
  [
    "another signer beside",
    craftToken(unit, tstInfoDer, {
      certificates: [unit.certificate.der, stranger.certificate.der],
      signerInfos: [craftSignerInfo(unit, tstInfoDer), craftSignerInfo(stranger, tstInfoDer)],
    }),
    "one-signer",
    "refused",
  ],
  ["no certificate", craftToken(unit, tstInfoDer, { certificates: [] }), "signer-certificate", "refused"],
  [
    "another's certificate only",
    craftToken(unit, tstInfoDer, { certificates: [stranger.certificate.der] }),
    "signer-certificate",
    "refused",
  ],
  [
    "a certificate of the same name and number instead",
    craftToken(unit, tstInfoDer, { certificates: [sameName.der] }),
    "signature",
    "refused",
  ],
  [
    "a certificate of the same name and number beside",
    craftToken(unit, tstInfoDer, { certificates: [sameName.der, unit.certificate.der] }),
    "signer-certificate",
    "refused",
  ],
  [
    "a signer of another number",
    withSigner({ names: { issuer, serial: flipped(serial, serial) } }),
    "signer-certificate",
    "refused",
  ],
  [
    "a signer of another issuer",
    withSigner({ names: { issuer: stranger.certificate.subject, serial } }),
    "signer-certificate",
    "refused",
  ],
  [
    "a key identifier that is nobody's",
    withSigner({ bySubjectKeyIdentifier: new Uint8Array(20) }),
    "signer-certificate",
    "refused",
  ],
  ["SignedData of version 1", craftToken(unit, tstInfoDer, { version: 1 }), "versions", "accepted"],
  ["SignerInfo of version 3", withSigner({ version: 3 }), "versions", "accepted"],
  ["no signed attributes", withSigner({ attributes: undefined }), "signed-attributes", "refused"],
  [
    "no signed attributes, and theirs as content",
    craftToken(unit, tstInfoDer, {
      content: setOf(sorted(Object.values(usual))),
      signerInfos: [craftSignerInfo(unit, tstInfoDer, { attributes: undefined, signature })],
    }),
    "well-formed",
    "refused",
  ],
  [
    "attributes out of order",
    withSigner({ attributes: sorted(Object.values(usual)).toReversed() }),
    "signed-attributes",
    "accepted",
  ],
  [
    "an attribute twice",
    withSigner({ attributes: sorted([...Object.values(usual), usual.contentType]) }),
    "signed-attributes",
    "accepted",
  ],
  ["no contentType", withAttributes({ contentType: undefined }), "signed-attributes", "accepted"],
  ["no messageDigest", withAttributes({ messageDigest: undefined }), "signed-attributes", "refused"],
  ["a messageDigest of two values", withAttributes({ messageDigest: twoDigests() }), "signed-attributes", "refused"],
  [
    "a contentType of data",
    withAttributes({ contentType: contentTypeAttribute(OID.data) }),
    "content-type",
    "accepted",
  ],
  [
    "the digest of other content",
    withAttributes({ messageDigest: messageDigestAttribute(unit, DATA) }),
    "message-digest",
    "refused",
  ],
  [
    "other content",
    craftToken(unit, flipped(tstInfoDer, messageImprint.digest), { signerInfos: [craftSignerInfo(unit, tstInfoDer)] }),
    "message-digest",
    "refused",
  ],
  [
    "a digest algorithm that is not in front",
    craftToken(unit, tstInfoDer, { digestAlgorithms: [sha384.absentDer] }),
    "digest-algorithm",
    "refused",
  ],
  [
    "no digest algorithm in front",
    craftToken(unit, tstInfoDer, { digestAlgorithms: [] }),
    "digest-algorithm",
    "refused",
  ],
  [
    "another digest algorithm than the signature's",
    withSigner({ digestAlgorithm: sha384.absentDer }, { digestAlgorithms: [sha384.absentDer] }),
    "digest-algorithm",
    "refused",
  ],
  [
    "an unknown digest algorithm",
    withSigner({ digestAlgorithm: patched(sha256.absentDer, "0201", "0209") }),
    "digest-algorithm",
    "refused",
  ],
  ["a flipped bit in the signature", flipped(sound, signature), "signature", "refused"],
  [
    "another's signature",
    withSigner({ signature: stranger.signOctets(setOf(sorted(Object.values(usual)))) }),
    "signature",
    "refused",
  ],
  ["an empty signature", withSigner({ signature: new Uint8Array() }), "signature", "refused"],
  [
    "the signature over the content itself",
    withSigner({ signature: unit.signOctets(tstInfoDer) }),
    "signature",
    "refused",
  ],
  [
    "the signature over the attributes under the tag they are sent with",
    withSigner({ signature: unit.signOctets(setOf(sorted(Object.values(usual)), 0xa0)) }),
    "signature",
    "refused",
  ],
  ["another signature algorithm", withSigner({ signatureAlgorithm: P384 }), "digest-algorithm", "accepted"],
  [
    "a signature algorithm of another kind of key",
    withSigner({
      signatureAlgorithm: SIGNATURE_ALGORITHMS["rsa-pkcs1-sha256"].algorithmIdentifierDer,
      attributes: sorted([usual.contentType, usual.messageDigest, usual.signingCertificate]),
    }),
    "signature",
    "accepted",
  ],
  [
    "no certificate named under the signature",
    withAttributes({ signingCertificate: undefined }),
    "signing-certificate",
    "refused",
  ],
  [
    "another certificate named under the signature",
    withAttributes({ signingCertificate: signingCertificateV2(stranger.certificate) }),
    "signing-certificate",
    "refused",
  ],
  [
    "a certificate of the same name named under the signature",
    withAttributes({ signingCertificate: signingCertificateV2(sameName) }),
    "signing-certificate",
    "refused",
  ],
  [
    "a flipped bit in the hash of the certificate",
    withAttributes({ signingCertificate: flipped(usual.signingCertificate, usual.signingCertificate, 40) }),
    "signing-certificate",
    "refused",
  ],
  [
    "a certificate named by another number",
    withAttributes({ signingCertificate: flipped(usual.signingCertificate, usual.signingCertificate) }),
    "signing-certificate",
    "refused",
  ],
  [
    "other algorithms under the signature",
    withAttributes({ protection: cmsAlgorithmProtection(sha384.absentDer, P256) }),
    "algorithm-protection",
    "accepted",
  ],
  [
    "another signature algorithm under the signature",
    withAttributes({ protection: cmsAlgorithmProtection(sha256.absentDer, P384) }),
    "algorithm-protection",
    "accepted",
  ],
  ["no extended key usage", byUnitWith({ extendedKeyUsage: new Uint8Array() }), "unit-certificate", "refused"],
  [
    "an extended key usage that is not critical",
    byUnitWith({ extendedKeyUsage: extendedKeyUsage([OID.timeStamping]) }),
    "unit-certificate",
    "refused",
  ],
  [
    "another purpose beside",
    byUnitWith({ extendedKeyUsage: extendedKeyUsage([OID.timeStamping, OID.codeSigning], true) }),
    "unit-certificate",
    "refused",
  ],
  [
    "an unknown purpose beside",
    byUnitWith({ extendedKeyUsage: extendedKeyUsage([OID.timeStamping, "1.3.6.1.4.1.32473.7"], true) }),
    "unit-certificate",
    "accepted",
  ],
  [
    "any purpose",
    byUnitWith({ extendedKeyUsage: extendedKeyUsage(["2.5.29.37.0"], true) }),
    "unit-certificate",
    "refused",
  ],
  [
    "the purpose of signing code",
    byUnitWith({ extendedKeyUsage: extendedKeyUsage([OID.codeSigning], true) }),
    "unit-certificate",
    "refused",
  ],
  [
    "a key for encryption as well",
    byUnitWith({ keyUsage: keyUsage(["digitalSignature", "keyEncipherment"]) }),
    "unit-certificate",
    "refused",
  ],
  [
    "a CA's certificate",
    byUnitWith({ basicConstraints: basicConstraints({ ca: true }), keyUsage: keyUsage(["digitalSignature"]) }),
    "unit-certificate",
    "accepted",
  ],
  [
    "a time before the certificate",
    byUnitWith({}, { notBefore: new Date(GEN_TIME.getTime() + 1_000) }),
    "signing-time",
    "refused",
  ],
  [
    "a time after the certificate",
    byUnitWith({}, { notAfter: new Date(GEN_TIME.getTime() - 2_000) }),
    "signing-time",
    "refused",
  ],
  [
    "a time after the key's use",
    byUnitWith({ privateKeyUsagePeriod: privateKeyUsagePeriod({ notAfter: new Date(GEN_TIME.getTime() - 2_000) }) }),
    "signing-time",
    "accepted",
  ],
  [
    "another digest",
    unit.stamp({ messageImprint: imprintData("sha256", Buffer.from("else")), nonce: NONCE }),
    "message-imprint",
    "refused",
  ],
  [
    "a digest of another hash",
    unit.stamp({ messageImprint: imprintData("sha3-256", DATA), nonce: NONCE }),
    "message-imprint",
    "refused",
  ],
  ["another nonce", unit.stamp({ messageImprint, nonce: Uint8Array.of(5) }), "nonce", "refused"],
  ["no nonce", unit.stamp({ messageImprint }), "nonce", "refused"],
  ["another policy", stamp(makeUnit({ ca: unit.ca, template: { policy: "1.2.3" } })), "policy", "refused"],
  ["a critical extension", withContent(withCriticalExtension()), "extensions", "accepted"],
];

function twoDigests(): Uint8Array {
  const values = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)];
  return buildAttribute(OID.messageDigest, (writer) => {
    for (const value of values.toReversed()) writer.octetString(value);
  });
}

/** [1] Extensions behind everything else, one of them critical and not known. */
function withCriticalExtension(): Uint8Array {
  return encode((writer) => {
    writer.raw(buildExtension("1.3.6.1.4.1.32473.8", true, (value) => value.integer(1)));
    writer.wrap(constructedContext(1), 0);
    writer.raw(tstInfoDer.subarray(tstInfoDer[1] === 0x81 ? 3 : 2));
    writer.wrap(TAG.SEQUENCE, 0);
  });
}

describe("a time stamp", () => {
  const question = {
    messageImprint,
    nonce: NONCE,
    policies: [TEST_POLICY],
    trust: () => [{ name: "trust", ok: true }],
  };
  const firstFailure = (token: Uint8Array) =>
    verifyTimeStampToken(token, question).checks.find(({ ok }) => !ok)?.name ?? "none";
  const judge = (token: Uint8Array): Verdict => {
    const certificate = (der: Uint8Array) => pemEncode("CERTIFICATE", der);
    const request = [
      "-queryfile",
      "request",
      "-CAfile",
      "root.pem",
      "-attime",
      String(Math.floor(GEN_TIME.getTime() / 1_000)),
    ];
    const files = { token, "root.pem": certificate(unit.ca.certificate.der), request: requestDer };
    try {
      return openssl(["ts", "-verify", "-token_in", "-in", "token", ...request], files).includes("Verification: OK")
        ? "accepted"
        : "refused";
    } catch {
      return "refused";
    }
  };

  it("that is sound is accepted, also when it is crafted", () => {
    for (const token of [
      sound,
      craftToken(unit, tstInfoDer),
      withSigner({ bySubjectKeyIdentifier: sha1KeyIdentifier(unit.spkiDer) }),
    ])
      expect(firstFailure(token)).toBe("none");
    expect(judge(sound)).toBe("accepted");
    expect(judge(craftToken(unit, tstInfoDer))).toBe("accepted");
  });

  it.each(CORRUPTIONS)("with %s is refused", (_, token, check, verdict) => {
    expect({ check: firstFailure(token), openssl: judge(token) }).toEqual({ check, openssl: verdict });
  });

  it("is refused for each thing that is looked at", () => {
    const seen = new Set(CORRUPTIONS.map(([, , check]) => check));
    expect(TIME_STAMP_CHECKS.filter((name) => !seen.has(name))).toEqual([]);
  });

  it("with any octet changed is refused, or says the same", () => {
    for (let at = 0; at < sound.length; at++) {
      const changed = sound.with(at, (sound[at] as number) ^ (1 << (at % 8)));
      const { ok } = verifyTimeStampToken(changed, question);
      expect(ok, `octet ${at}`).toBe(false);
    }
  });
});
