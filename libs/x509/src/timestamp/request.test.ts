import { AsnConvert } from "@peculiar/asn1-schema";
import { TimeStampReq as PeculiarRequest } from "@peculiar/asn1-tsp";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { patched } from "../../test/crafted.ts";
import { openssl, opensslOutput } from "../../test/openssl.ts";
import {
  buildExtension,
  buildTimeStampReq,
  constructedContext,
  encode,
  HASH_ALGORITHMS,
  type HashAlgorithm,
  imprintData,
  type MessageImprint,
  PKI_FAILURE_INFO,
  type PkiFailureInfo,
  parseTimeStampReq,
  parseTimeStampResp,
  TAG,
  timeStampResp,
} from "../index.ts";

const HASHES = Object.keys(HASH_ALGORITHMS) as HashAlgorithm[];
/** The same with octets that are no Buffer, to compare with. */
const plain = (imprint: MessageImprint) => ({ ...imprint, digest: new Uint8Array(imprint.digest) });
const messageImprint = imprintData("sha256", Buffer.from("data"));
const POLICY = "1.3.6.1.4.1.32473.1.50";

/** A request of these parts, as they stand. */
const request = (...parts: readonly Uint8Array[]): Uint8Array =>
  encode((writer) => {
    writer.rawAll(parts);
    writer.wrap(TAG.SEQUENCE, 0);
  }, 4096);
const integer = (value: number) => encode((writer) => writer.integer(value));
const primitive = (tag: number, content: Uint8Array) => encode((writer) => writer.primitive(tag, content), 8192);
const imprint = (algorithmDer: Uint8Array, digest: Uint8Array) =>
  request(
    algorithmDer,
    encode((writer) => writer.octetString(digest), 128),
  );
const algorithm = (oid: string, ...parameters: Uint8Array[]) =>
  request(
    encode((writer) => writer.oid(oid)),
    ...parameters,
  );
const NULL = Uint8Array.of(5, 0);
const SHA256 = HASH_ALGORITHMS.sha256.absentDer;
const V1 = integer(1);
const IMPRINT = imprint(SHA256, messageImprint.digest);
const extensions = (...list: Uint8Array[]) =>
  encode((writer) => {
    writer.rawAll(list);
    writer.wrap(constructedContext(0), 0);
  }, 4096);
const manyArcs = primitive(TAG.OID, Uint8Array.from([0x2a, ...new Uint8Array(4_000).fill(1)]));
const longArc = primitive(TAG.OID, Uint8Array.from([0x2a, ...new Uint8Array(2_000).fill(0xff), 1]));

describe("parseTimeStampReq", () => {
  it.each(HASHES)("reads what OpenSSL asks about a digest of %s", (hash) => {
    if (hash.startsWith("sha3")) return; // `openssl ts -query` writes them as well; its NULL parameters are tested below
    const args = ["ts", "-query", "-data", "data", `-${hash}`, "-cert", "-tspolicy", POLICY, "-out", "request"];
    const read = parseTimeStampReq(opensslOutput(args, { data: "data" }, "request"));
    expect(read).toMatchObject({ reqPolicy: POLICY, certReq: true, messageImprint: { hash } });
    expect(read.messageImprint.digest).toEqual(new Uint8Array(imprintData(hash, Buffer.from("data")).digest));
    expect(read.nonce?.length).toBeGreaterThan(4);
  });

  it("reads what it wrote, and so do OpenSSL and @peculiar/asn1-tsp", () => {
    const nonces = fc.uint8Array({ minLength: 1, maxLength: 40 }).map((octets) => Uint8Array.of(0x5a, ...octets));
    const optional = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });
    const asked = fc.record({ hash: fc.constantFrom(...HASHES), nonce: optional(nonces), certReq: fc.boolean() });
    fc.assert(
      fc.property(asked, fc.uint8Array(), ({ hash, nonce, certReq }, data) => {
        const fields = {
          messageImprint: plain(imprintData(hash, data)),
          certReq,
          ...(nonce && { nonce, reqPolicy: POLICY }),
        };
        const der = buildTimeStampReq(fields);
        const read = parseTimeStampReq(der);
        expect(read).toEqual({ version: 1, reqPolicy: undefined, nonce: undefined, ...fields });
        const peculiar = AsnConvert.parse(der, PeculiarRequest);
        expect(new Uint8Array(peculiar.messageImprint.hashedMessage.buffer)).toEqual(
          new Uint8Array(fields.messageImprint.digest),
        );
        expect([peculiar.certReq, peculiar.reqPolicy]).toEqual([certReq, nonce && POLICY]);
      }),
    );
    const text = openssl(["ts", "-query", "-in", "request", "-text"], {
      request: buildTimeStampReq({ messageImprint, nonce: Uint8Array.of(0x12, 0x34), reqPolicy: POLICY }),
    });
    expect(text).toContain("Nonce: 0x1234");
  });

  it("keeps parameters and nonce as they were sent", () => {
    const withNull = algorithm("2.16.840.1.101.3.4.2.1", NULL);
    const negative = Uint8Array.of(0x80, 0x01);
    const der = request(V1, imprint(withNull, messageImprint.digest), primitive(TAG.INTEGER, negative));
    expect(parseTimeStampReq(der)).toMatchObject({ messageImprint: { hashAlgorithmDer: withNull }, nonce: negative });
  });

  const unknown = buildExtension("1.3.6.1.4.1.32473.9", false, (value) => value.integer(1));
  const critical = buildExtension("1.3.6.1.4.1.32473.9", true, (value) => value.integer(1));
  it.each<[string, Uint8Array, PkiFailureInfo]>([
    ["nothing", new Uint8Array(), "badDataFormat"],
    ["garbage", Buffer.from("GET / HTTP/1.1"), "badDataFormat"],
    ["a request cut short", request(V1, IMPRINT).subarray(0, -1), "badDataFormat"],
    ["an octet behind it", Uint8Array.from([...request(V1, IMPRINT), 0]), "badDataFormat"],
    ["an indefinite length", Uint8Array.from([0x30, 0x80, ...V1, ...IMPRINT, 0, 0]), "badDataFormat"],
    ["a MiB of nonce", request(V1, IMPRINT, primitive(TAG.INTEGER, new Uint8Array(1 << 20).fill(1))), "badDataFormat"],
    ["a nonce of 4 KiB", request(V1, IMPRINT, primitive(TAG.INTEGER, new Uint8Array(4_096).fill(1))), "badDataFormat"],
    ["a nonce that is not in its shortest form", request(V1, IMPRINT, Uint8Array.of(2, 2, 0, 1)), "badDataFormat"],
    ["an empty nonce", request(V1, IMPRINT, Uint8Array.of(2, 0)), "badDataFormat"],
    ["version 0", request(integer(0), IMPRINT), "badRequest"],
    ["version 2", request(integer(2), IMPRINT), "badRequest"],
    ["no version", request(IMPRINT), "badDataFormat"],
    ["no imprint", request(V1), "badDataFormat"],
    ["SHA-1", request(V1, imprint(algorithm("1.3.14.3.2.26", NULL), new Uint8Array(20))), "badAlg"],
    ["MD5", request(V1, imprint(algorithm("1.2.840.113549.2.5", NULL), new Uint8Array(16))), "badAlg"],
    ["SHA-224", request(V1, imprint(algorithm("2.16.840.1.101.3.4.2.4", NULL), new Uint8Array(28))), "badAlg"],
    [
      "SHA-256 with parameters",
      request(V1, imprint(algorithm("2.16.840.1.101.3.4.2.1", integer(1)), messageImprint.digest)),
      "badAlg",
    ],
    ["a digest that is too short", request(V1, imprint(SHA256, new Uint8Array(31))), "badDataFormat"],
    ["a digest that is too long", request(V1, imprint(SHA256, new Uint8Array(33))), "badDataFormat"],
    ["an empty digest", request(V1, imprint(SHA256, new Uint8Array())), "badDataFormat"],
    ["an extension", request(V1, IMPRINT, extensions(unknown)), "unacceptedExtension"],
    ["a critical extension", request(V1, IMPRINT, extensions(critical)), "unacceptedExtension"],
    ["an extension twice", request(V1, IMPRINT, extensions(unknown, unknown)), "badDataFormat"],
    ["no extension where some should be", request(V1, IMPRINT, extensions()), "badDataFormat"],
    ["certReq false, spelt out", request(V1, IMPRINT, Uint8Array.of(1, 1, 0)), "badDataFormat"],
    ["a policy of thousands of arcs", request(V1, manyArcs), "badDataFormat"],
    ["a policy behind the imprint of thousands of arcs", request(V1, IMPRINT, manyArcs), "badDataFormat"],
    ["a policy with an arc of 14,000 bits", request(V1, IMPRINT, longArc), "badDataFormat"],
    ["fields in another order", request(IMPRINT, V1), "badDataFormat"],
    ["something behind the fields", request(V1, IMPRINT, NULL), "badDataFormat"],
  ])("refuses %s", (_, der, failInfo) => {
    expect(() => parseTimeStampReq(der)).toThrow(expect.objectContaining({ name: "TimeStampRefusal", failInfo }));
  });

  it("throws nothing but refusals, whatever comes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), fc.nat(60), (octets, at) => {
        const sound = buildTimeStampReq({ messageImprint, nonce: Uint8Array.of(1), certReq: true });
        for (const der of [
          octets,
          Buffer.concat([sound.subarray(0, at), octets, sound.subarray(at + octets.length)]),
        ]) {
          try {
            parseTimeStampReq(der);
          } catch (error) {
            expect((error as Error).name).toBe("TimeStampRefusal");
          }
        }
      }),
    );
  });
});

describe("a refusal", () => {
  it.each(Object.keys(PKI_FAILURE_INFO) as PkiFailureInfo[])("of %s is read by OpenSSL", (failInfo) => {
    const response = timeStampResp.refused(failInfo, "prüfen Sie die Anfrage");
    expect(parseTimeStampResp(response)).toEqual({
      ...{ status: "rejection", statusStrings: ["prüfen Sie die Anfrage"], tokenDer: undefined },
      failInfoBits: [PKI_FAILURE_INFO[failInfo]],
    });
    const text = openssl(["ts", "-reply", "-in", "response", "-text"], { response });
    expect(text).toContain("Status: Rejected.");
    expect(text).toContain("TST info:\nNot included.");
    expect(text.toLowerCase()).toContain(OPENSSL_WORDS[failInfo]);
  });

  it("with a token, and a grant without one, are malformed", () => {
    const refused = timeStampResp.refused("badAlg", "no");
    const inside = refused.subarray(2);
    const token = Uint8Array.of(0x30, 0);
    for (const der of [
      request(inside, token),
      request(Uint8Array.of(0x30, 3, 2, 1, 0)),
      request(Uint8Array.of(0x30, 3, 2, 1, 9)),
      patched(refused, "6e6f", "c328"),
    ])
      expect(() => parseTimeStampResp(der)).toThrow(expect.objectContaining({ code: "DER_MALFORMED" }));
  });
});

const OPENSSL_WORDS: Record<PkiFailureInfo, string> = {
  badAlg: "unrecognized or unsupported algorithm",
  badRequest: "transaction not permitted",
  badDataFormat: "the data submitted has the wrong format",
  timeNotAvailable: "the tsa's time source is not available",
  unacceptedPolicy: "the requested tsa policy is not supported",
  unacceptedExtension: "the requested extension is not supported",
  addInfoNotAvailable: "the additional information requested",
  systemFailure: "the request cannot be handled",
};
