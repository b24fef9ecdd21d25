import { toHex } from "@vcc-pki/x509";
import { describe, expect, it } from "vitest";
import { type Bundle, buildBundle, parseBundle } from "../src/index.ts";
import { signer } from "./relying-party.ts";
import { signBundle } from "./signed-bundle.ts";

const chain = signBundle();
const strict: Bundle = { ...chain, form: "certificate", certificates: [signer.certificate] };
const text = buildBundle(chain).toString();
const parse = (bundle: string) => parseBundle(Buffer.from(bundle));

/** Everything in a bundle, so that it can be compared. */
const plain = ({ form, envelope, certificates, timeStamps }: Bundle) => ({
  ...{ form, payloadType: envelope.payloadType, payload: toHex(envelope.payload) },
  signatures: envelope.signatures.map(toHex),
  certificates: certificates.map(({ der }) => toHex(der)),
  timeStamps: timeStamps.map(toHex),
});

describe("a bundle", () => {
  it.each([
    ["with a chain", chain],
    ["with a certificate", strict],
    ["without a time stamp", { ...chain, timeStamps: [] }],
    ["with two signatures", { ...chain, envelope: { ...chain.envelope, signatures: [Buffer.of(1), Buffer.of(2)] } }],
  ])("%s is read as it was written", (_, bundle) => {
    expect(plain(parseBundle(buildBundle(bundle)))).toEqual(plain(bundle));
  });

  it("with a certificate has no other", () => {
    const { certificates } = parseBundle(buildBundle({ ...chain, form: "certificate" }));
    expect(certificates).toHaveLength(1);
  });

  it("is read whoever wrote it", () => {
    const json = JSON.parse(text);
    delete json.verificationMaterial.tlogEntries;
    delete json.verificationMaterial.timestampVerificationData;
    delete json.dsseEnvelope.signatures[0].keyid;
    const read = parseBundle(Buffer.from(JSON.stringify(json, undefined, 2)));
    expect(plain(read)).toEqual(plain({ ...chain, timeStamps: [] }));
  });

  const { payload } = JSON.parse(text).dsseEnvelope;
  const padded = Buffer.from(`${chain.envelope.payload}${" ".repeat(chain.envelope.payload.length % 3 ? 0 : 1)}`);
  const [loose, unused] = [padded.toString("base64"), padded.toString("base64").replace(/.(=+)$/, "/$1")];
  const certificate = signer.certificate.der;
  it.each([
    ["nothing", ""],
    ["no JSON", text.slice(0, -1)],
    ["another version", text.replace("v0.3", "v0.2")],
    ["no media type", text.replace("mediaType", "mediatype")],
    ["a payload twice", text.replace('"payload":', '"payload":"e30=","payload":')],
    ["an envelope twice", text.replace('"dsseEnvelope":', '"dsseEnvelope":{},"dsse\\u0045nvelope":')],
    ["no envelope", text.replace('"dsseEnvelope"', '"messageSignature"')],
    ["what it does not know", text.replace('"dsseEnvelope":', '"more":1,"dsseEnvelope":')],
    ["a key in place of a certificate", text.replace(/"x509CertificateChain":.*?\]\}/, '"publicKey":{"hint":"x"}')],
    ["a chain and a certificate", text.replace('"x509Cert', '"certificate":{"rawBytes":"AA=="},"x509Cert')],
    ["no certificate", text.replace(/"certificates":\[.*?\]/, '"certificates":[]')],
    ["a certificate that is none", text.replace(/"rawBytes":"[^"]*"/, '"rawBytes":"MAA="')],
    [
      "an octet behind a certificate",
      text.replace(
        Buffer.from(certificate).toString("base64"),
        Buffer.concat([certificate, Buffer.of(0)]).toString("base64"),
      ),
    ],
    ["an entry of a log", text.replace('"tlogEntries":[]', '"tlogEntries":[{}]')],
    ["a time stamp that is none", text.replace(/"signedTimestamp":"[^"]*"/, '"signedTimestamp":"MAA="')],
    ["a refusal to stamp", text.replace(/"signedTimestamp":"[^"]*"/, '"signedTimestamp":"MAUwAwIBAg=="')],
    ["base64 of URLs", text.replace(payload, Buffer.from("??>>").toString("base64url"))],
    ["base64 without its end", text.replace(payload, loose.replace(/=+$/, ""))],
    ["base64 with bits that nobody needs", text.replace(payload, unused)],
    ["base64 with a line feed", text.replace(payload, `${payload.slice(0, 8)}\\n${payload.slice(8)}`)],
    ["an empty payload", text.replace(payload, "")],
    ["an empty signature", text.replace(/"sig":"[^"]*"/, '"sig":""')],
    ["a number as its type", text.replace('"payloadType":"application/vnd.in-toto+json"', '"payloadType":1')],
  ])("is refused with %s", (_, bundle) => {
    expect(bundle).not.toBe(text);
    expect(() => parse(bundle)).toThrow(expect.objectContaining({ code: "BUNDLE_MALFORMED" }));
  });
});
