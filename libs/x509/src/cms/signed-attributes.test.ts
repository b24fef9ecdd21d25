import { describe, expect, it } from "vitest";
import { leafTbs, makeCa } from "../../test/authority.ts";
import { openssl } from "../../test/openssl.ts";
import { DerReader, type DerWriter, encode, OID, parseSignedAttributes, pemEncode, TAG } from "../index.ts";

const malformed = expect.objectContaining({ code: "DER_MALFORMED" });
const ID_DATA = "1.2.840.113549.1.7.1";
const digest = new Uint8Array(32).fill(7);

function attribute(oid: string, ...values: ((writer: DerWriter) => void)[]): Uint8Array {
  return encode((writer) => {
    for (const value of values.toReversed()) value(writer);
    writer.wrap(TAG.SET, 0);
    writer.oid(oid);
    writer.wrap(TAG.SEQUENCE, 0);
  });
}
const setOf = (attributes: Uint8Array[], tag: number = TAG.SET) =>
  encode((writer) => {
    writer.rawAll(attributes);
    writer.wrap(tag, 0);
  });

const contentType = attribute(OID.contentType, (writer) => writer.oid(ID_DATA));
const messageDigest = attribute(OID.messageDigest, (writer) => writer.octetString(digest));

describe("parseSignedAttributes", () => {
  it("reads what is signed", () => {
    expect(parseSignedAttributes(setOf([contentType, messageDigest]))).toEqual({
      contentType: ID_DATA,
      messageDigest: digest,
      attributeOids: [OID.contentType, OID.messageDigest],
    });
  });

  it("reads the attributes of a signature OpenSSL made", () => {
    const ca = makeCa();
    const files = {
      "k.pem": ca.privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
      "c.pem": pemEncode("CERTIFICATE", ca.certificate.der),
      content: "content",
    };
    const args = [
      "cms",
      "-sign",
      "-binary",
      "-in",
      "content",
      "-signer",
      "c.pem",
      "-inkey",
      "k.pem",
      "-cades",
      "-outform",
      "PEM",
    ];
    const cms = new Uint8Array(Buffer.from(openssl(args, files).replace(/-----.*-----|\n/g, ""), "base64"));
    const signedAttributes = findSignedAttributes(cms);
    const parsed = parseSignedAttributes(Uint8Array.from([TAG.SET, ...signedAttributes.subarray(1)]));
    expect(parsed.contentType).toBe(ID_DATA);
    expect(parsed.messageDigest).toHaveLength(32);
    expect(parsed.attributeOids).toContain("1.2.840.113549.1.9.16.2.47"); // signing-certificate-v2
  });

  const counterpart = attribute("1.2.3", (writer) => writer.integer(1));
  it.each([
    ["nothing", new Uint8Array()],
    ["no attribute", setOf([])],
    ["the implicit tag of the message", setOf([contentType, messageDigest], 0xa0)],
    ["a sequence", setOf([contentType, messageDigest], TAG.SEQUENCE)],
    ["no contentType", setOf([messageDigest])],
    ["no messageDigest", setOf([contentType])],
    ["the wrong order", setOf([messageDigest, contentType])],
    ["an attribute twice", setOf([counterpart, counterpart, contentType, messageDigest])],
    [
      "two content types",
      setOf([
        attribute(
          OID.contentType,
          (w) => w.oid(ID_DATA),
          (w) => w.oid(ID_DATA),
        ),
        messageDigest,
      ]),
    ],
    [
      "a messageDigest that is no OCTET STRING",
      setOf([contentType, attribute(OID.messageDigest, (w) => w.utf8(TAG.UTF8_STRING, "x".repeat(32)))]),
    ],
    ["a trailing octet", Uint8Array.from([...setOf([contentType, messageDigest]), 0])],
    ["a tbsCertificate", leafTbs(makeCa())],
  ])("refuses %s", (_, der) => expect(() => parseSignedAttributes(der)).toThrow(malformed));
});

/** [0] signedAttrs of the one SignerInfo in a ContentInfo (RFC 5652 sections 3, 5.1 and 5.3). */
function findSignedAttributes(cms: Uint8Array): Uint8Array {
  const contentInfo = DerReader.over(cms).enter(TAG.SEQUENCE);
  contentInfo.oid();
  const signedData = contentInfo.enter(0xa0).enter(TAG.SEQUENCE);
  signedData.integer();
  signedData.element(TAG.SET);
  signedData.element(TAG.SEQUENCE);
  if (signedData.nextIs(0xa0)) signedData.element();
  const signerInfo = signedData.enter(TAG.SET).enter(TAG.SEQUENCE);
  signerInfo.integer();
  signerInfo.element(TAG.SEQUENCE);
  signerInfo.element(TAG.SEQUENCE);
  return signerInfo.element(0xa0);
}
