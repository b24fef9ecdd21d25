import { execFileSync } from "node:child_process";
import { hash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { leafTbs, makeCa } from "../../test/authority.ts";
import { DerReader, parseOcspResponseData, pemEncode, TAG } from "../index.ts";

const malformed = expect.objectContaining({ code: "DER_MALFORMED" });
const ca = makeCa();

/** ResponseData of the answer OpenSSL's responder gives about three certificates: good, revoked and unknown. */
function responseDataFromOpenssl(...options: string[]): Uint8Array {
  const directory = mkdtempSync(join(tmpdir(), "x509-"));
  try {
    const file = (name: string) => join(directory, name);
    writeFileSync(file("ca.pem"), pemEncode("CERTIFICATE", ca.certificate.der));
    writeFileSync(file("k.pem"), ca.privateKey.export({ type: "pkcs8", format: "pem" }));
    writeFileSync(
      file("index.txt"),
      "V\t360101000000Z\t\t01\tunknown\t/CN=a\nR\t360101000000Z\t261001000000Z,keyCompromise\t02\tunknown\t/CN=b\n",
    );
    const serials = ["1", "2", "3"].flatMap((serial) => ["-serial", serial]);
    const run = (...args: string[]) => execFileSync("openssl", ["ocsp", ...args], { cwd: directory, stdio: "pipe" });
    run("-issuer", "ca.pem", ...serials, "-reqout", "request.der");
    const responder = ["-index", "index.txt", "-CA", "ca.pem", "-rsigner", "ca.pem", "-rkey", "k.pem", "-nmin", "60"];
    run(...responder, "-reqin", "request.der", "-respout", "response.der", ...options);
    return unwrap(new Uint8Array(readFileSync(file("response.der"))));
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** tbsResponseData of an OCSPResponse (RFC 6960 section 4.2.1). */
function unwrap(response: Uint8Array): Uint8Array {
  const ocspResponse = DerReader.over(response).enter(TAG.SEQUENCE);
  ocspResponse.smallInteger(TAG.ENUMERATED);
  const responseBytes = ocspResponse.enter(0xa0).enter(TAG.SEQUENCE);
  responseBytes.oid();
  return DerReader.over(responseBytes.octetString()).enter(TAG.SEQUENCE).element(TAG.SEQUENCE);
}

describe("parseOcspResponseData", () => {
  const byName = responseDataFromOpenssl();

  it("reads what OpenSSL's responder signs", () => {
    const data = parseOcspResponseData(byName);
    expect(data.responderId).toMatchObject({ name: { der: ca.certificate.subject.der } });
    expect(data.responses).toMatchObject([
      { certId: { serialHex: "01", hashAlgorithm: "sha1" }, status: "good" },
      { certId: { serialHex: "02" }, status: "revoked", reason: "keyCompromise" },
      { certId: { serialHex: "03" }, status: "unknown" },
    ]);
    const [first] = data.responses;
    expect(first?.certId.issuerNameHash).toEqual(new Uint8Array(hash("sha1", ca.certificate.subject.der, "buffer")));
    expect(first?.nextUpdate).toEqual(new Date((first?.thisUpdate.getTime() ?? 0) + 3_600_000));
    expect(data.extensions.map(({ oid }) => oid)).toEqual(["1.3.6.1.5.5.7.48.1.2"]); // the nonce
  });

  it("reads a responder named by its key", () => {
    const data = parseOcspResponseData(responseDataFromOpenssl("-resp_key_id"));
    expect(data.responderId).toEqual({ keyHash: ca.certificate.subjectKeyIdentifier });
  });

  it("refuses every cut, every trailing octet and other structures", () => {
    for (let length = 0; length < byName.length; length++) {
      expect(() => parseOcspResponseData(byName.subarray(0, length))).toThrow(malformed);
    }
    expect(() => parseOcspResponseData(Uint8Array.from([...byName, 0]))).toThrow(malformed);
    expect(() => parseOcspResponseData(leafTbs(ca))).toThrow(malformed);
    expect(() => parseOcspResponseData(ca.certificate.der)).toThrow(malformed);
  });
});
