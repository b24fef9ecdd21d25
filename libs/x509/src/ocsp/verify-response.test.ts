import { sign } from "node:crypto";
import { PkiError } from "@vcc-pki/errors";
import { describe, expect, it } from "vitest";
import { type LeafOverrides, leafTbs, makeCa, SERIAL } from "../../test/authority.ts";
import { rawExtension } from "../../test/crafted.ts";
import { makeResponder } from "../../test/responder.ts";
import {
  assembleOcspResponse,
  buildCertId,
  buildResponseData,
  type CertStatus,
  constructedContext,
  encode,
  extendedKeyUsage,
  issuerHashes,
  keyUsage,
  type OcspQuestion,
  OID,
  ocspErrorResponse,
  ocspNonce,
  parseCertificate,
  parseOcspResponse,
  primitiveContext,
  type ResponseDataFields,
  sha1KeyIdentifier,
  TAG,
  verifyOcspResponse,
} from "../index.ts";

const ca = makeCa();
const responder = makeResponder(ca);
const hashes = issuerHashes(ca.certificate);
const AT = new Date("2026-02-01T12:00:00Z");
const minutes = (count: number) => new Date(AT.getTime() + count * 60_000);
const GOOD: CertStatus = { status: "good" };
const REVOKED: CertStatus = { status: "revoked", revocationTime: minutes(-100), reason: "superseded" };

const certId = buildCertId(hashes.sha256, SERIAL);

const fields = (status: CertStatus = GOOD, from = -60, until = 60, certIdDer = certId): ResponseDataFields => ({
  producedAt: minutes(from),
  responses: [{ certIdDer, ...status, thisUpdate: minutes(from), nextUpdate: minutes(until) }],
});

const verify = (response: Uint8Array, question: Partial<OcspQuestion> = {}) =>
  verifyOcspResponse(parseOcspResponse(response), { issuer: ca.certificate, serial: SERIAL, at: AT, ...question });

const notProven = (reason: string) => expect.objectContaining({ code: "STATUS_NOT_PROVEN", details: { reason } });
const unsigned = expect.objectContaining({ code: "SIGNATURE_INVALID" });

/** The same answer by another key, with these certificates in it. */
function signedBy(
  key: ReturnType<typeof makeResponder>,
  certificatesDer: readonly Uint8Array[],
  keyHash = key.keyHash,
) {
  const data = buildResponseData(keyHash, fields());
  return assembleOcspResponse(data, "ecdsa-p256-sha256", key.sign(data), certificatesDer);
}

describe("verifyOcspResponse", () => {
  it.each<CertStatus>([GOOD, REVOKED, { status: "unknown" }])(
    "takes what a delegated responder says: $status",
    (status) => {
      const { response, ...by } = verify(responder.answer(fields(status)));
      expect(response).toMatchObject({ ...status, nextUpdate: minutes(60) });
      expect(by).toMatchObject({ responder: { der: responder.certificate.der }, isNoCheck: true });
    },
  );

  it("takes what the issuer itself says", () => {
    const data = buildResponseData(sha1KeyIdentifier(ca.spkiDer), fields());
    const response = assembleOcspResponse(data, "ecdsa-p256-sha256", sign("sha256", data, ca.privateKey));
    expect(verify(response)).toMatchObject({ responder: ca.certificate, isNoCheck: false });
  });

  it("takes a responder named by its subject, among other certificates", () => {
    const key = responder.certificate;
    const data = buildResponseData(new Uint8Array(20), fields());
    const byKey = Buffer.from(`a2160414${"00".repeat(20)}`, "hex");
    const offset = Buffer.from(data).indexOf(byKey);
    const byName = encode((writer) => {
      writer.raw(data.subarray(offset + byKey.length));
      const end = writer.mark();
      writer.raw(key.subject.der);
      writer.wrap(0xa1, end);
      writer.wrap(TAG.SEQUENCE, 0);
    });
    const bag = [ca.certificate.der, key.der];
    const response = assembleOcspResponse(byName, "ecdsa-p256-sha256", responder.sign(byName), bag);
    expect(verify(response).responder.der).toEqual(key.der);
  });

  it("says when the responder's own status is still to be asked for", () => {
    const checked = makeResponder(ca, { extensions: { noCheck: new Uint8Array() } });
    expect(verify(checked.answer(fields()))).toMatchObject({ isNoCheck: false });
  });

  it.each<[string, LeafOverrides]>([
    ["without the purpose", { extensions: { extendedKeyUsage: extendedKeyUsage([OID.serverAuth]) } }],
    ["with any purpose", { extensions: { extendedKeyUsage: extendedKeyUsage([OID.anyExtendedKeyUsage]) } }],
    ["without any", { extensions: { extendedKeyUsage: new Uint8Array() } }],
    ["whose key may not sign", { extensions: { keyUsage: keyUsage(["keyAgreement"]) } }],
    ["that has expired", { notAfter: minutes(-1) }],
    ["that is not valid yet", { notBefore: minutes(1) }],
    ["with a critical extension nobody knows", { extensions: { strange: rawExtension("1.2.3", true, "0500") } }],
    ["of another issuer's name", { issuer: makeCa("Other CA").certificate.subject }],
  ])("refuses a responder %s", (_, overrides) => {
    expect(() => verify(makeResponder(ca, overrides).answer(fields()))).toThrow(unsigned);
  });

  it("refuses responders that the issuer did not certify itself", () => {
    const other = makeCa();
    expect(other.certificate.subject.der).toEqual(ca.certificate.subject.der);
    expect(() => verify(makeResponder(other).answer(fields()))).toThrow(unsigned);
    const below = makeCa("Subordinate", {}, ca);
    expect(() => verify(makeResponder(below).answer(fields()))).toThrow(unsigned);
  });

  it("refuses a signature by another key than the one that is named, or changed data", () => {
    const other = makeResponder(ca);
    expect(() => verify(signedBy(responder, [other.certificate.der], other.keyHash))).toThrow(unsigned);
    expect(() => verify(signedBy(responder, [other.certificate.der]))).toThrow(unsigned);
    expect(() => verify(signedBy(responder, []))).toThrow(unsigned);
    const answer = Buffer.from(responder.answer(fields(REVOKED)));
    const time = answer.indexOf("20260201130000Z");
    answer[time + 3] = 0x37;
    expect(() => verify(answer)).toThrow(unsigned);
  });

  it("refuses a response with any octet changed", () => {
    const answer = responder.answer(fields(REVOKED));
    for (let offset = 0; offset < answer.length; offset++) {
      const changed = answer.with(offset, (answer[offset] as number) ^ 0x01);
      expect(() => verify(changed), `octet ${offset}`).toThrow(PkiError);
    }
  });

  it("refuses a leaf of the CA that speaks for it", () => {
    const leaf = parseCertificate(ca.sign(leafTbs(ca, { spkiDer: responder.spkiDer })));
    expect(() => verify(signedBy(responder, [leaf.der]))).toThrow(unsigned);
  });

  it("refuses answers about other certificates", () => {
    const answer = responder.answer(fields());
    expect(() => verify(answer, { serial: Uint8Array.of(1) })).toThrow(notProven("otherCertificate"));
    const foreign = issuerHashes(makeCa("Other CA").certificate);
    const response = responder.answer(fields(GOOD, -60, 60, buildCertId(foreign.sha1, SERIAL)));
    expect(() => verify(response)).toThrow(notProven("otherCertificate"));
  });

  it("believes revoked when one response says two things", () => {
    const both = { ...fields(), responses: [...fields(GOOD).responses, ...fields(REVOKED).responses] };
    expect(verify(responder.answer(both)).response.status).toBe("revoked");
  });

  it("takes times up to five minutes off, or as far as it is told", () => {
    const from = (start: number, end: number) => responder.answer(fields(GOOD, start, end));
    expect(() => verify(from(5, 60))).not.toThrow();
    expect(() => verify(from(-60, -5))).not.toThrow();
    expect(() => verify(from(6, 60))).toThrow(notProven("notYetValid"));
    expect(() => verify(from(-60, -6))).toThrow(notProven("outOfDate"));
    expect(() => verify(from(1, 60), { clockSkewMs: 0 })).toThrow(notProven("notYetValid"));
    expect(() => verify(from(-60, -1), { clockSkewMs: 0 })).toThrow(notProven("outOfDate"));
    expect(() => verify(from(0, 0), { clockSkewMs: 0 })).not.toThrow();
    const late = { ...fields(), producedAt: minutes(10) };
    expect(() => verify(responder.answer(late))).toThrow(notProven("notYetValid"));
  });

  it("refuses an answer that never ends", () => {
    const data = encode((writer) => {
      writer.generalizedTime(AT);
      writer.primitive(primitiveContext(0), new Uint8Array()); // good
      writer.raw(certId);
      for (const _ of ["SingleResponse", "responses"]) writer.wrap(TAG.SEQUENCE, 0);
      writer.generalizedTime(AT);
      const end = writer.mark();
      writer.octetString(responder.keyHash);
      writer.wrap(constructedContext(2), end);
      writer.wrap(TAG.SEQUENCE, 0);
    });
    const certificates = [responder.certificate.der];
    const response = assembleOcspResponse(data, "ecdsa-p256-sha256", responder.sign(data), certificates);
    expect(() => verify(response)).toThrow(notProven("outOfDate"));
  });

  it("insists on the nonce when there is one", () => {
    const nonce = SERIAL;
    const answer = responder.answer({ ...fields(), extensions: [ocspNonce(nonce)] });
    expect(() => verify(answer, { nonce })).not.toThrow();
    expect(() => verify(answer)).not.toThrow();
    expect(() => verify(answer, { nonce: Uint8Array.of(1) })).toThrow(notProven("nonceDiffers"));
    expect(() => verify(responder.answer(fields()), { nonce })).toThrow(notProven("nonceDiffers"));
  });

  it.each(["malformedRequest", "internalError", "tryLater", "sigRequired", "unauthorized"] as const)(
    "proves nothing by %s",
    (error) => expect(() => verify(ocspErrorResponse(error))).toThrow(notProven(error)),
  );
});
