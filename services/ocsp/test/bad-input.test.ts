import { buildOcspRequest, type Certificate, encode, type OcspError, OID, parseOcspResponse, TAG } from "@vcc-pki/x509";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { inPath, post, question } from "./client.ts";
import { AUTHORITY, newOcsp, type OcspHarness } from "./harness.ts";

let suite: OcspHarness;
let issuer: Certificate;
let certificate: Certificate;
let valid: Uint8Array;
beforeAll(async () => {
  suite = await newOcsp();
  issuer = await suite.authority(AUTHORITY);
  certificate = await suite.issue();
  valid = question(issuer, [certificate.serial]);
  await suite.ocsp.refresh();
});
afterAll(() => suite.close());

/** Every refusal is an OCSPResponse under status 200, without signature, and not to be kept. */
async function statusOf(response: Response): Promise<OcspError | "successful"> {
  expect(response.status).toBe(200);
  expect(response.headers.get("content-type")).toBe("application/ocsp-response");
  const octets = await response.bytes();
  const { responseStatus } = parseOcspResponse(octets);
  if (responseStatus === "successful") return responseStatus;
  expect(octets).toHaveLength(5);
  expect(response.headers.get("cache-control")).toBe("no-store");
  return responseStatus;
}

/** A question whose requestExtensions hold this extension. */
function withExtension(oid: string, critical: boolean, value: Uint8Array): Uint8Array {
  const plain = valid.subarray(4); // OCSPRequest and TBSRequest have short lengths
  return encode((writer) => {
    writer.octetString(value);
    if (critical) writer.boolean(true);
    writer.oid(oid);
    writer.wrap(TAG.SEQUENCE, 0);
    writer.wrap(TAG.SEQUENCE, 0);
    writer.wrap(0xa2, 0);
    writer.raw(plain);
    writer.wrap(TAG.SEQUENCE, 0);
    writer.wrap(TAG.SEQUENCE, 0);
  });
}
const octetString = (octets: number) => encode((writer) => writer.octetString(new Uint8Array(octets).fill(7)));
const nested = (depth: number) => {
  let inner = new Uint8Array();
  for (let i = 0; i < depth; i++)
    inner = new Uint8Array(
      encode((writer) => {
        writer.raw(inner);
        writer.wrap(TAG.SEQUENCE, 0);
      }),
    );
  return inner;
};

describe("malformedRequest", () => {
  it.each<[string, () => Uint8Array]>([
    ["nothing", () => new Uint8Array()],
    ["garbage", () => Buffer.from("GET / HTTP/1.1")],
    ["a question cut short", () => valid.subarray(0, -1)],
    ["a question with something after it", () => Uint8Array.from([...valid, 0])],
    ["an empty SEQUENCE", () => Uint8Array.of(0x30, 0)],
    ["sequences a thousand deep", () => nested(1_000)],
    ["a certificate", () => certificate.der],
    ["a critical extension nobody knows", () => withExtension("1.3.6.1.4.1.32473.9", true, octetString(1))],
    ["a nonce of no octets", () => withExtension(OID.ocspNonce, false, octetString(0))],
    ["a nonce of 129 octets", () => withExtension(OID.ocspNonce, false, octetString(129))],
    ["a nonce without its OCTET STRING", () => withExtension(OID.ocspNonce, false, new Uint8Array(16))],
    ["more than 10 KiB", () => new Uint8Array(10 * 1024 + 1).fill(0x30)],
  ])("is the answer to %s", async (_, octets) => {
    expect(await statusOf(await post(`${suite.url}/ocsp`, octets()))).toBe("malformedRequest");
    expect(await statusOf(await post(`${suite.url}/ocsp/${AUTHORITY}`, octets()))).toBe("malformedRequest");
  });

  it("is the answer to every cut of a question", async () => {
    for (let length = 1; length < valid.length; length += 7)
      expect(await statusOf(await post(`${suite.url}/ocsp`, valid.subarray(0, length)))).toBe("malformedRequest");
  });

  it.each([
    ["text/plain", "malformedRequest"],
    ["application/ocsp-requests", "malformedRequest"],
    ["", "malformedRequest"],
    ["application/ocsp-request; charset=binary", "successful"],
    ["Application/OCSP-Request", "successful"],
  ])("depends on the media type: %j gets %s", async (contentType, expected) => {
    expect(await statusOf(await post(`${suite.url}/ocsp`, valid, contentType))).toBe(expected);
  });

  it.each([
    ["nothing", ""],
    ["what is not base64", "/M!!!"],
    ["a broken escape", "/MF%4"],
    ["base64 of garbage", "/TUVPVw=="],
  ])("is the answer to GET of %s", async (_, path) => {
    expect(await statusOf(await fetch(`${suite.url}/ocsp/${AUTHORITY}${path}`))).toBe("malformedRequest");
  });

  it("is not the answer to an extension that is not critical", async () => {
    const body = withExtension("1.3.6.1.4.1.32473.9", false, octetString(1));
    expect(await statusOf(await post(`${suite.url}/ocsp`, body))).toBe("successful");
  });
});

describe("unauthorized", () => {
  it.each<[string, () => Uint8Array | Promise<Uint8Array>]>([
    ["an issuer nobody knows", () => question(certificate, [certificate.serial])],
    [
      "the root, whose every signature takes custodians",
      async () => question(await suite.authority("vcc-root-ca"), [issuer.serial]),
    ],
    ["a hash nobody uses", () => withHash("2.16.840.1.101.3.4.2.2")],
  ])("is the answer about %s", async (_, octets) => {
    expect(await statusOf(await post(`${suite.url}/ocsp`, await octets()))).toBe("unauthorized");
  });

  it("is the answer about several issuers at once, and about another than the address names", async () => {
    const platform = await suite.authority("vcc-platform-ca");
    const certIds = [question(issuer, [certificate.serial]), question(platform, [certificate.serial])].map(
      (octets) => octets.subarray(8), // OCSPRequest, TBSRequest, requestList, Request
    );
    expect(await statusOf(await post(`${suite.url}/ocsp`, buildOcspRequest(certIds)))).toBe("unauthorized");
    expect(await statusOf(await post(`${suite.url}/ocsp/vcc-platform-ca`, valid))).toBe("unauthorized");
    expect(await statusOf(await post(`${suite.url}/ocsp/nobody`, valid))).toBe("unauthorized");
    expect(await statusOf(await fetch(`${suite.url}/ocsp/nobody/${inPath(valid)}`))).toBe("unauthorized");
  });
});

/** The question with the algorithm of its CertID replaced by one with digests as long as SHA-1's. */
function withHash(oid: string): Uint8Array {
  return buildOcspRequest([
    encode((writer) => {
      writer.primitive(TAG.INTEGER, certificate.serial);
      writer.octetString(new Uint8Array(48));
      writer.octetString(new Uint8Array(48));
      const end = writer.mark();
      writer.oid(oid);
      writer.wrap(TAG.SEQUENCE, end);
      writer.wrap(TAG.SEQUENCE, 0);
    }),
  ]);
}
