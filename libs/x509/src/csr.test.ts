import { generateKeyPairSync, sign } from "node:crypto";
import { describe, expect, it } from "vitest";
import { patched } from "../test/crafted.ts";
import { makeKey } from "../test/keys.ts";
import { openssl } from "../test/openssl.ts";
import {
  assembleSigned,
  buildCertificationRequestInfo,
  buildExtension,
  buildName,
  constructedContext,
  createCertificationRequest,
  type DerWriter,
  encode,
  KEY_ALGORITHMS,
  type KeyAlgorithmId,
  nameToText,
  OID,
  parseCertificationRequest,
  parseCertificationRequestInfo,
  pemDecode,
  pemEncode,
  subjectAltName,
  TAG,
} from "./index.ts";

const malformed = expect.objectContaining({ code: "CSR_MALFORMED" });
const key = makeKey();
const csrDer = createCertificationRequest({
  subject: buildName([["CN", "argus.vcc.internal"]]),
  subjectAltNames: { dns: ["argus.vcc.internal"], uri: ["spiffe://vcc.internal/pki/argus"] },
  privateKey: key.privateKey,
});

describe("createCertificationRequest", () => {
  it.each(Object.keys(KEY_ALGORITHMS) as KeyAlgorithmId[])(
    "makes a request for an %s key that OpenSSL accepts",
    (id) => {
      const der = createCertificationRequest({ subjectAltNames: { dns: ["a.b"] }, privateKey: makeKey(id).privateKey });
      const pem = pemEncode("CERTIFICATE REQUEST", der);
      const text = openssl(["req", "-verify", "-noout", "-text", "-in", "csr.pem"], { "csr.pem": pem });
      expect(text).toContain("verify OK");
      expect(text).toMatch(/Subject Alternative Name: critical\s+DNS:a\.b/);
      expect(parseCertificationRequest(der).verifySignature()).toBe(true);
    },
  );

  it("makes none for a key that gets no certificate", () => {
    const { privateKey } = generateKeyPairSync("ec", { namedCurve: "secp256k1" });
    expect(() => createCertificationRequest({ privateKey })).toThrow(
      expect.objectContaining({ code: "KEY_NOT_ALLOWED" }),
    );
  });
});

describe("parseCertificationRequest", () => {
  it("gives the fields of a request", () => {
    const csr = parseCertificationRequest(csrDer);
    expect(csr).toMatchObject({
      keyAlgorithm: "ec-p256",
      signatureAlgorithm: "ecdsa-sha256",
      subjectAltNames: { dns: ["argus.vcc.internal"], uri: ["spiffe://vcc.internal/pki/argus"], otherCount: 0 },
      attributes: [{ oid: OID.extensionRequest }],
      extensions: [{ oid: OID.subjectAltName, critical: false }],
    });
    expect(nameToText(csr.subject)).toBe("CN=argus.vcc.internal");
    expect(parseCertificationRequestInfo(csr.infoDer).spkiDer).toEqual(key.spkiDer);
  });

  it("reads a request without attributes", () => {
    const csr = parseCertificationRequest(createCertificationRequest({ privateKey: key.privateKey }));
    expect(csr).toMatchObject({ attributes: [], extensions: [], subjectAltNames: { dns: [] } });
  });

  it("lists every attribute and extension of a request OpenSSL made", () => {
    const config = `[req]\ndistinguished_name=dn\nattributes=attr\nreq_extensions=ext\nprompt=no\n[dn]\nCN=a\n[attr]\nchallengePassword=secret
unstructuredName=name\n[ext]\nsubjectAltName=DNS:a.b\nkeyUsage=digitalSignature\n1.2.3.4=ASN1:NULL`;
    const [der = new Uint8Array()] = pemDecode(
      openssl(["req", "-new", "-key", "k.pem", "-config", "c.cnf", "-sha384"], {
        "k.pem": key.privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
        "c.cnf": config,
      }),
    );
    const csr = parseCertificationRequest(der);
    expect(csr.attributes.map(({ oid }) => oid).toSorted()).toEqual(
      [OID.challengePassword, OID.extensionRequest, "1.2.840.113549.1.9.2"].toSorted(),
    );
    expect(csr.extensions.map(({ oid }) => oid)).toEqual([OID.subjectAltName, OID.keyUsage, "1.2.3.4"]);
    expect(csr.signatureAlgorithm).toBe("ecdsa-sha384");
    expect(csr.verifySignature()).toBe(true);
  });

  it("takes ten thousand names only as far as 64 KiB reach", () => {
    const dns = Array.from({ length: 10_000 }, (_, i) => `n${i}.vcc.internal`);
    const der = createCertificationRequest({ subjectAltNames: { dns }, privateKey: key.privateKey });
    expect(() => parseCertificationRequest(der)).toThrow(malformed);
    const fewer = { dns: dns.slice(0, 3000) };
    const csr = parseCertificationRequest(
      createCertificationRequest({ subjectAltNames: fewer, privateKey: key.privateKey }),
    );
    expect(csr.subjectAltNames.dns).toHaveLength(3000);
  });

  it.each([
    ["nothing", new Uint8Array()],
    ["garbage", new Uint8Array(100).fill(0x30)],
    ["a trailing octet", Uint8Array.from([...csrDer, 0])],
    ["a cut", csrDer.subarray(0, -1)],
    ["more than 64 KiB", new Uint8Array(65_537)],
  ])("refuses %s", (_, der) => expect(() => parseCertificationRequest(der)).toThrow(malformed));
});

describe("proof of possession", () => {
  const info = buildCertificationRequestInfo({ spkiDer: key.spkiDer });

  it("fails for another key's signature and for a changed request", () => {
    const foreign = assembleSigned(info, "ecdsa-p256-sha256", sign("sha256", info, makeKey().privateKey));
    expect(parseCertificationRequest(foreign).verifySignature()).toBe(false);
    const changed = patched(csrDer, Buffer.from("argus"), Buffer.from("ARGUS"));
    expect(parseCertificationRequest(changed).verifySignature()).toBe(false);
  });

  it("fails for a key of another type than the algorithm's", () => {
    const mixed = assembleSigned(info, "rsa-pkcs1-sha256", sign("sha256", info, makeKey("rsa-3072").privateKey));
    expect(parseCertificationRequest(mixed).verifySignature()).toBe(false);
  });

  it("is refused for SHA-1", () => {
    const [der = new Uint8Array()] = pemDecode(
      openssl(["req", "-new", "-key", "k.pem", "-subj", "/CN=a", "-sha1"], {
        "k.pem": key.privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
      }),
    );
    expect(() => parseCertificationRequest(der).verifySignature()).toThrow(
      expect.objectContaining({ code: "ALGORITHM_NOT_ALLOWED" }),
    );
  });

  it("is refused for a point off its curve", () => {
    const offCurve = Uint8Array.from(key.spkiDer);
    offCurve[offCurve.length - 1] = (offCurve.at(-1) as number) ^ 1;
    const bad = buildCertificationRequestInfo({ spkiDer: offCurve });
    const der = assembleSigned(bad, "ecdsa-p256-sha256", sign("sha256", bad, key.privateKey));
    expect(() => parseCertificationRequest(der).verifySignature()).toThrow(
      expect.objectContaining({ code: "KEY_WEAK" }),
    );
  });
});

describe("CertificationRequestInfo", () => {
  const san = subjectAltName({ dns: ["a.b"] });

  /** An Attribute with these values. */
  const attribute = (oid: string, ...values: ((writer: DerWriter) => void)[]) =>
    encode((writer) => {
      for (const value of values.toReversed()) value(writer);
      writer.wrap(TAG.SET, 0);
      writer.oid(oid);
      writer.wrap(TAG.SEQUENCE, 0);
    });
  const request =
    (...extensions: Uint8Array[]) =>
    (writer: DerWriter) => {
      const end = writer.mark();
      writer.rawAll(extensions);
      writer.wrap(TAG.SEQUENCE, end);
    };

  const infoWith = (attributes: Uint8Array[] | undefined, version = 0) =>
    encode((writer) => {
      if (attributes) {
        writer.rawAll(attributes);
        writer.wrap(constructedContext(0), 0);
      }
      writer.raw(key.spkiDer);
      writer.raw(buildName([]).der);
      writer.integer(version);
      writer.wrap(TAG.SEQUENCE, 0);
    });

  it("is read when built by hand like this", () => {
    const info = infoWith([attribute(OID.extensionRequest, request(san))]);
    expect(parseCertificationRequestInfo(info).subjectAltNames.dns).toEqual(["a.b"]);
  });

  it.each([
    ["version 2", infoWith([], 1)],
    ["no attributes field", infoWith(undefined)],
    ["an attribute without value", infoWith([attribute("1.2.3")])],
    [
      "an attribute twice",
      infoWith([attribute("1.2.3", (w) => w.boolean(true)), attribute("1.2.3", (w) => w.integer(1))]),
    ],
    [
      "attributes out of order",
      infoWith([attribute("1.2.4", (w) => w.integer(1)), attribute("1.2.3", (w) => w.integer(1))]),
    ],
    [
      "values out of order",
      infoWith([
        attribute(
          "1.2.3",
          (w) => w.integer(2),
          (w) => w.integer(1),
        ),
      ]),
    ],
    ["two extension requests in one", infoWith([attribute(OID.extensionRequest, request(san), request(san))])],
    ["an extension twice", infoWith([attribute(OID.extensionRequest, request(san, san))])],
    ["an empty extension request", infoWith([attribute(OID.extensionRequest, request())])],
    ["a value that is not DER", infoWith([attribute("1.2.3", (w) => w.raw(Uint8Array.of(0x30, 2, 1, 1)))])],
    [
      "a malformed extension",
      infoWith([
        attribute(OID.extensionRequest, request(buildExtension(OID.subjectAltName, false, (w) => w.boolean(true)))),
      ]),
    ],
  ])("is refused with %s", (_, info) => expect(() => parseCertificationRequestInfo(info)).toThrow(malformed));
});
