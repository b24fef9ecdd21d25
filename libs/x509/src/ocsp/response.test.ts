import { sign } from "node:crypto";
import { describe, expect, it } from "vitest";
import { makeCa, SERIAL } from "../../test/authority.ts";
import { openssl } from "../../test/openssl.ts";
import { makeResponder } from "../../test/responder.ts";
import {
  assembleOcspResponse,
  buildCertId,
  buildResponseData,
  type CertStatus,
  issuerHashes,
  type OcspError,
  OcspResponseTemplate,
  ocspArchiveCutoff,
  ocspErrorResponse,
  ocspExtendedRevoke,
  ocspNonce,
  parseOcspResponse,
  pemEncode,
  type RevocationReason,
  type SingleResponseFields,
} from "../index.ts";

const malformed = expect.objectContaining({ code: "DER_MALFORMED" });
const ca = makeCa();
const responder = makeResponder(ca);
const hashes = issuerHashes(ca.certificate);
const PRODUCED_AT = new Date("2026-02-01T00:00:00Z");
const THIS_UPDATE = new Date("2026-01-31T23:00:00Z");
const NEXT_UPDATE = new Date("2035-01-01T00:00:00Z");
const REVOKED_AT = new Date("2026-01-15T12:34:56Z");

const single = (certIdDer: Uint8Array, status: CertStatus, extensions?: Uint8Array[]): SingleResponseFields => ({
  certIdDer,
  ...status,
  thisUpdate: THIS_UPDATE,
  nextUpdate: NEXT_UPDATE,
  extensions,
});
const serial = (number: number) => Uint8Array.of(number);
const revoked = (reason: RevocationReason): CertStatus => ({ status: "revoked", revocationTime: REVOKED_AT, reason });
const good = single(buildCertId(hashes.sha256, SERIAL), { status: "good" });

/** OpenSSL's answer to "what does this response say about these serials?"; throws when it does not verify. */
function ask(response: Uint8Array, serials: readonly string[], options: readonly string[] = []): string {
  const files = { "ca.pem": pemEncode("CERTIFICATE", ca.certificate.der), "response.der": response };
  const about = serials.flatMap((number) => ["-serial", number]);
  const given = ["-respin", "response.der", "-CAfile", "ca.pem", "-no_nonce"];
  const printed = openssl(["ocsp", "-issuer", "ca.pem", ...options, ...about, ...given], files);
  // It exits with 0 all the same when the signature or the times are wrong.
  if (!/^Response verify OK$/m.test(printed) || /WARNING|ERROR/.test(printed)) throw new Error(printed);
  return printed;
}

const SERIAL_TEXT = "0x0102030405060708090a0b0c0d0e0f10";

describe("responses we build", () => {
  it.each(["sha1", "sha256"] as const)("about good, revoked and unknown by %s are read by OpenSSL", (hash) => {
    const response = responder.answer({
      producedAt: PRODUCED_AT,
      responses: [
        single(buildCertId(hashes[hash], SERIAL), { status: "good" }),
        single(buildCertId(hashes[hash], serial(2)), revoked("keyCompromise")),
        single(buildCertId(hashes[hash], serial(3)), revoked("unspecified")),
        single(buildCertId(hashes[hash], serial(4)), { status: "unknown" }),
      ],
    });
    const printed = ask(response, [SERIAL_TEXT, "2", "3", "4"], hash === "sha1" ? [] : ["-sha256"]);
    expect(printed).toMatch(/0x0102030405060708090a0b0c0d0e0f10: good\s+This Update: Jan 31 23:00:00 2026 GMT/);
    expect(printed).toMatch(/2: revoked\s+.*\s+.*\s+Reason: keyCompromise\s+Revocation Time: Jan 15 12:34:56 2026 GMT/);
    expect(printed).toMatch(/3: revoked\s+.*\s+.*\s+Revocation Time/);
    expect(printed).toMatch(/4: unknown/);
  });

  it("are signed by the issuer itself as well, then without certificates", () => {
    const data = buildResponseData(ca.certificate.subjectKeyIdentifier ?? new Uint8Array(), {
      producedAt: PRODUCED_AT,
      responses: [good],
    });
    const response = assembleOcspResponse(data, "ecdsa-p256-sha256", sign("sha256", data, ca.privateKey));
    expect(parseOcspResponse(response)).toMatchObject({ certificates: [] });
    // OpenSSL looks for the issuer among the certificates it is given.
    const signer = ["-verify_other", "ca.pem"];
    expect(ask(response, [SERIAL_TEXT], ["-sha256", ...signer])).toMatch(/: good/);
  });

  it("carry nonce, archive cutoff and extended revoke", () => {
    const nonce = Uint8Array.from({ length: 32 }, (_, i) => i);
    const response = responder.answer({
      producedAt: PRODUCED_AT,
      responses: [single(buildCertId(hashes.sha1, serial(1)), { status: "good" }, [ocspArchiveCutoff(REVOKED_AT)])],
      extensions: [ocspNonce(nonce), ocspExtendedRevoke()],
    });
    const printed = ask(response, ["1"], ["-resp_text"]);
    expect(printed).toMatch(/OCSP Nonce: \s+0420000102030405/);
    expect(printed).toMatch(/OCSP Archive Cutoff: \s+Jan 15 12:34:56 2026 GMT/);
    expect(printed).toMatch(/valid: \s+\.\./); // its name for id-pkix-ocsp 9, with NULL
    expect(parseOcspResponse(response)).toMatchObject({
      data: { known: { nonce, extendedRevoke: true }, responses: [{ known: { archiveCutoff: REVOKED_AT } }] },
    });
  });

  it("are refused by OpenSSL with any part changed", () => {
    const response = responder.answer({ producedAt: PRODUCED_AT, responses: [good] });
    expect(() => ask(response, [SERIAL_TEXT], ["-sha256"])).not.toThrow();
    const other = makeResponder(makeCa("Other CA")).answer({ producedAt: PRODUCED_AT, responses: [good] });
    const offsets = [20, 60, 120, 160, 220, 300, response.length - 10];
    const corrupted = offsets.map((offset) => response.with(offset, (response[offset] as number) ^ 1));
    for (const damaged of [other, response.subarray(0, -1), ...corrupted]) {
      expect(() => ask(damaged, [SERIAL_TEXT], ["-sha256"])).toThrow();
    }
  });

  it("do not say that a hold was removed, nor nothing at all", () => {
    const removed = { ...good, ...revoked("removeFromCRL") };
    expect(() => responder.answer({ producedAt: PRODUCED_AT, responses: [removed] })).toThrow(RangeError);
    expect(() => responder.answer({ producedAt: PRODUCED_AT, responses: [] })).toThrow(RangeError);
  });
});

describe("OcspResponseTemplate", () => {
  const template = new OcspResponseTemplate({
    responderKeyHash: responder.keyHash,
    signatureAlgorithm: "ecdsa-p256-sha256",
    certificatesDer: [responder.certificate.der],
  });

  it.each([
    ["good", { producedAt: PRODUCED_AT, responses: [good] }],
    [
      "several with extensions",
      {
        producedAt: PRODUCED_AT,
        responses: [good, { ...good, ...revoked("superseded"), extensions: [ocspArchiveCutoff(REVOKED_AT)] }],
        extensions: [ocspNonce(SERIAL)],
      },
    ],
  ])("makes the octets of the other functions: %s", (_, fields) => {
    const data = template.responseData(fields);
    expect(data).toEqual(buildResponseData(responder.keyHash, fields));
    const signature = responder.sign(data);
    const certificates = [responder.certificate.der];
    const whole = Buffer.from(assembleOcspResponse(data, "ecdsa-p256-sha256", signature, certificates));
    expect(template.response(data, signature)).toEqual(whole);
    expect(template.answer(fields, signature)).toEqual(whole);
  });
});

describe("parseOcspResponse", () => {
  it("reads what it was given", () => {
    const response = parseOcspResponse(responder.answer({ producedAt: PRODUCED_AT, responses: [good] }));
    expect(response).toMatchObject({
      responseStatus: "successful",
      data: {
        responderId: { keyHash: responder.keyHash },
        producedAt: PRODUCED_AT,
        responses: [{ status: "good", thisUpdate: THIS_UPDATE, nextUpdate: NEXT_UPDATE }],
      },
      certificates: [{ der: responder.certificate.der }],
    });
  });

  it.each<[OcspError, string, string]>([
    ["malformedRequest", "30030a0101", "malformedrequest"],
    ["internalError", "30030a0102", "internalerror"],
    ["tryLater", "30030a0103", "trylater"],
    ["sigRequired", "30030a0105", "sigrequired"],
    ["unauthorized", "30030a0106", "unauthorized"],
  ])("reads %s, and OpenSSL too", (error, hex, printed) => {
    expect(Buffer.from(ocspErrorResponse(error)).toString("hex")).toBe(hex);
    expect(parseOcspResponse(ocspErrorResponse(error))).toEqual({ responseStatus: error });
    const files = { "response.der": ocspErrorResponse(error) };
    const stdout = expect.stringContaining(`Responder Error: ${printed} (`);
    expect(() => openssl(["ocsp", "-respin", "response.der"], files)).toThrow(expect.objectContaining({ stdout }));
  });

  it.each([
    ["a status that does not exist", "30030a0104"],
    ["success without content", "30030a0100"],
    ["an error with content", "30050a01010500"],
    ["another type of response", "300f0a0100a00a300806022a0304023000"],
    ["nothing", ""],
    ["a negative status", "30030a01ff"],
  ])("refuses %s", (_, hex) =>
    expect(() => parseOcspResponse(new Uint8Array(Buffer.from(hex, "hex")))).toThrow(malformed),
  );
});
