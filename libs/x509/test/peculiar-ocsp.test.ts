import * as ocsp from "@peculiar/asn1-ocsp";
import { AsnConvert, OctetString } from "@peculiar/asn1-schema";
import * as asn from "@peculiar/asn1-x509";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  assembleOcspResponse,
  buildCertId,
  buildName,
  buildOcspRequest,
  buildResponseData,
  type CertStatus,
  issuerHashes,
  OID,
  ocspArchiveCutoff,
  ocspNonce,
  parseOcspRequest,
  parseOcspResponse,
  parseOcspResponseData,
  REVOCATION_REASONS,
  type ResponseDataFields,
  type RevocationReason,
} from "../src/index.ts";
import * as arbitrary from "./arbitraries.ts";
import { makeCa } from "./authority.ts";
import { bytes, serialized, signature, signatureAlgorithm } from "./peculiar.ts";
import { makeResponder } from "./responder.ts";

/* OCSP: what we write they read, and the reverse. */

const ca = makeCa();
const responder = makeResponder(ca);
const hashes = issuerHashes(ca.certificate);

const certIdDer = fc
  .tuple(fc.constantFrom("sha1", "sha256"), arbitrary.serial, fc.constantFrom("withNull", "absent"))
  .map(([hash, serial, parameters]) => buildCertId(hashes[hash], serial, parameters));
const nonce = fc.option(fc.uint8Array({ minLength: 1, maxLength: 128 }), { nil: undefined });
const reasons = (Object.keys(REVOCATION_REASONS) as RevocationReason[]).filter((reason) => reason !== "removeFromCRL");
const status: fc.Arbitrary<CertStatus> = fc.oneof(
  fc.record({ status: fc.constantFrom("good", "unknown") }),
  fc.record({
    status: fc.constant("revoked"),
    revocationTime: arbitrary.date,
    reason: fc.constantFrom(...reasons),
  }),
);
const single = fc
  .tuple(
    status,
    fc.record({ certIdDer, thisUpdate: arbitrary.date, nextUpdate: arbitrary.date }),
    fc.option(arbitrary.date),
  )
  .map(([certStatus, fields, cutoff]) => ({
    ...certStatus,
    ...fields,
    extensions: cutoff === null ? [] : [ocspArchiveCutoff(cutoff)],
  }));
const responseData: fc.Arbitrary<ResponseDataFields> = fc.record({
  producedAt: arbitrary.date,
  responses: fc.array(single, { minLength: 1, maxLength: 4 }),
  extensions: nonce.map((value) => (value ? [ocspNonce(value)] : [])),
});

const der = (value: unknown) => Buffer.from(serialized(value)).toString("hex");
const hex = (value: Uint8Array) => Buffer.from(value).toString("hex");

describe("requests", () => {
  it("that we build say the same to @peculiar/asn1-ocsp, and back", () => {
    fc.assert(
      fc.property(fc.array(certIdDer, { minLength: 1, maxLength: 5 }), nonce, (ids, value) => {
        const ours = buildOcspRequest(ids, value);
        const { tbsRequest } = AsnConvert.parse(ours, ocsp.OCSPRequest);
        expect([...tbsRequest.requestList].map(({ reqCert }) => der(reqCert))).toEqual(ids.map(hex));
        const extension = tbsRequest.requestExtensions?.find(({ extnID }) => extnID === OID.ocspNonce);
        expect(extension && bytes(AsnConvert.parse(extension.extnValue.buffer, OctetString))).toEqual(value);
        const read = parseOcspRequest(ours);
        expect(read.certIds.map((id) => hex(id.der))).toEqual(ids.map(hex));
        expect(read.nonce).toEqual(value);
      }),
    );
  });

  it("that they build, with names and extensions, are read", () => {
    fc.assert(
      fc.property(fc.array(certIdDer, { minLength: 1, maxLength: 5 }), nonce, fc.boolean(), (ids, value, critical) => {
        const tbsRequest = new ocsp.TBSRequest({
          requestorName: new asn.GeneralName({
            directoryName: AsnConvert.parse(buildName([["CN", "a"]]).der, asn.Name),
          }),
          requestList: ids.map((id) => new ocsp.Request({ reqCert: AsnConvert.parse(id, ocsp.CertID) })),
        });
        if (value !== undefined) {
          const extnValue = new OctetString(serialized(new OctetString(value)));
          tbsRequest.requestExtensions = new asn.Extensions([
            new asn.Extension({ extnID: OID.ocspNonce, critical, extnValue }),
          ]);
        }
        const read = parseOcspRequest(serialized(new ocsp.OCSPRequest({ tbsRequest })));
        expect(read.certIds.map((id) => hex(id.der))).toEqual(ids.map(hex));
        expect(read.nonce).toEqual(value);
      }),
    );
  });
});

describe("response data", () => {
  it("that we build say the same to @peculiar/asn1-ocsp, and encode to the same octets", () => {
    fc.assert(
      fc.property(responseData, (fields) => {
        const ours = buildResponseData(responder.keyHash, fields);
        const theirs = AsnConvert.parse(ours, ocsp.ResponseData);
        expect(theirs.producedAt).toEqual(fields.producedAt);
        expect([...theirs.responses].map(theirStatus)).toEqual(fields.responses.map(ourStatus));
        expect(der(theirs)).toBe(hex(ours));
      }),
    );
  });

  it("are read as they were built", () => {
    fc.assert(
      fc.property(responseData, (fields) => {
        const read = parseOcspResponseData(buildResponseData(responder.keyHash, fields));
        expect(read).toMatchObject({ responderId: { keyHash: responder.keyHash }, producedAt: fields.producedAt });
        for (const [i, { extensions: _, certIdDer: id, ...said }] of fields.responses.entries()) {
          expect(read.responses[i]).toMatchObject({ ...said, certId: { der: id } });
        }
      }),
    );
  });
});

describe("responses", () => {
  it("that we assemble are theirs octet by octet", () => {
    fc.assert(
      fc.property(responseData, fc.boolean(), (fields, withCertificate) => {
        const data = buildResponseData(responder.keyHash, fields);
        const certificates = withCertificate ? [responder.certificate.der] : [];
        const ours = assembleOcspResponse(data, signatureAlgorithm, signature, certificates);
        const basic = parseOcspResponse(ours);
        expect(basic).toMatchObject({ responseStatus: "successful", tbsDer: data, signature });
        const theirs = AsnConvert.parse(ours, ocsp.OCSPResponse);
        expect(theirs.responseStatus).toBe(ocsp.OCSPResponseStatus.successful);
        expect(theirs.responseBytes?.responseType).toBe(OID.ocspBasic);
        const response = theirs.responseBytes?.response as OctetString;
        const theirBasic = AsnConvert.parse(response.buffer, ocsp.BasicOCSPResponse);
        expect(der(theirBasic)).toBe(hex(bytes(response)));
        expect((theirBasic.certs ?? []).map(der)).toEqual(certificates.map(hex));
      }),
    );
  });
});

function theirStatus({ certID, certStatus, thisUpdate, nextUpdate }: ocsp.SingleResponse) {
  const { revoked } = certStatus;
  const kind = revoked ? "revoked" : certStatus.good === null ? "good" : "unknown";
  const reason = revoked ? (revoked.revocationReason?.reason ?? 0) : undefined;
  return [der(certID), kind, revoked?.revocationTime, reason, thisUpdate, nextUpdate];
}

function ourStatus(fields: ResponseDataFields["responses"][number]) {
  const revoked = fields.status === "revoked" ? fields : undefined;
  const reason = revoked && REVOCATION_REASONS[revoked.reason];
  return [hex(fields.certIdDer), fields.status, revoked?.revocationTime, reason, fields.thisUpdate, fields.nextUpdate];
}
