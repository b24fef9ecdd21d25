import { CertificationRequest } from "@peculiar/asn1-csr";
import { OCSPRequest, OCSPResponse, ResponseData } from "@peculiar/asn1-ocsp";
import { AsnConvert } from "@peculiar/asn1-schema";
import * as asn from "@peculiar/asn1-x509";
import { type ErrorCode, PkiError } from "@vcc-pki/errors";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  authorityInfoAccess,
  authorityKeyIdentifier,
  buildCertId,
  buildOcspRequest,
  buildResponseData,
  buildTbsCertList,
  CONSTRUCTED,
  createCertificationRequest,
  crlDistributionPoints,
  crlNumber,
  issuerHashes,
  ocspArchiveCutoff,
  ocspExtendedRevoke,
  ocspNonce,
  parseCertificate,
  parseCertificateList,
  parseCertificationRequest,
  parseOcspRequest,
  parseOcspResponse,
  parseOcspResponseData,
  type ResponseDataFields,
  sha1KeyIdentifier,
} from "../src/index.ts";
import { leafTbs, makeCa, NOT_BEFORE, SERIAL } from "./authority.ts";
import { makeKey } from "./keys.ts";
import { makeResponder } from "./responder.ts";

const ca = makeCa();
const responder = makeResponder(ca);
const { sha1, sha256 } = issuerHashes(ca.certificate);
const times = { thisUpdate: new Date("2026-11-01T00:00:00Z"), nextUpdate: new Date("2026-11-08T00:00:00Z") };
const answers: ResponseDataFields = {
  producedAt: times.thisUpdate,
  responses: [
    { certIdDer: buildCertId(sha256, SERIAL), status: "good", ...times, extensions: [ocspArchiveCutoff(NOT_BEFORE)] },
    {
      certIdDer: buildCertId(sha1, SERIAL),
      status: "revoked",
      revocationTime: times.thisUpdate,
      reason: "superseded",
      ...times,
    },
  ],
  extensions: [ocspNonce(SERIAL), ocspExtendedRevoke()],
};

/** For each format a sound example, its parser, the parser's error code, and the class that gives a second opinion. */
const FORMATS: Record<string, [Uint8Array, (der: Uint8Array) => unknown, ErrorCode, new () => unknown]> = {
  certificate: [
    ca.sign(
      leafTbs(ca, {
        extensions: {
          crl: crlDistributionPoints(["http://crl.vcc.internal/a.crl"]),
          access: authorityInfoAccess({ ocsp: ["http://ocsp.vcc.internal"] }),
        },
      }),
    ),
    parseCertificate,
    "CERTIFICATE_MALFORMED",
    asn.Certificate,
  ],
  "certification request": [
    createCertificationRequest({
      subjectAltNames: { dns: ["argus.vcc.internal"], ip: ["10.0.0.1"] },
      privateKey: makeKey("rsa-3072").privateKey,
    }),
    parseCertificationRequest,
    "CSR_MALFORMED",
    CertificationRequest,
  ],
  CRL: [
    ca.sign(
      buildTbsCertList({
        signatureAlgorithm: "ecdsa-p256-sha256",
        issuer: ca.certificate.subject,
        thisUpdate: new Date("2026-11-01T00:00:00Z"),
        nextUpdate: new Date("2026-11-08T00:00:00Z"),
        revoked: [1, 2, 3].map((number) => ({
          serial: Uint8Array.of(number),
          revocationDate: new Date("2026-10-01T00:00:00Z"),
          reason: "keyCompromise",
        })),
        extensions: [authorityKeyIdentifier(sha1KeyIdentifier(ca.spkiDer)), crlNumber(1)],
      }),
    ),
    parseCertificateList,
    "CRL_MALFORMED",
    asn.CertificateList,
  ],
  "OCSP request": [
    buildOcspRequest([buildCertId(sha1, SERIAL), buildCertId(sha256, SERIAL)], SERIAL),
    (der) => parseOcspRequest(der),
    "DER_MALFORMED",
    OCSPRequest,
  ],
  "OCSP response": [responder.answer(answers), parseOcspResponse, "DER_MALFORMED", OCSPResponse],
  "OCSP response data": [
    buildResponseData(responder.keyHash, answers),
    parseOcspResponseData,
    "DER_MALFORMED",
    ResponseData,
  ],
};

/** Offsets of the length octets of every value whose structure the parser knows, i.e. all but the insides of opaque values. */
function lengthOctets(der: Uint8Array, start = 0, end = der.length): number[] {
  const offsets: number[] = [];
  for (let offset = start; offset < end; ) {
    const tag = der[offset] as number;
    const first = der[offset + 1] as number;
    const count = first < 0x80 ? 0 : first & 0x7f;
    for (let i = 0; i <= count; i++) offsets.push(offset + 1 + i);
    const content = offset + 2 + count;
    const length =
      count === 0 ? first : Number.parseInt(Buffer.from(der.subarray(content - count, content)).toString("hex"), 16);
    if (tag & CONSTRUCTED) offsets.push(...lengthOctets(der, content, content + length));
    offset = content + length;
  }
  return offsets;
}

describe.each(Object.entries(FORMATS))("a damaged %s", (_, [der, parse, code, schema]) => {
  /** The error code, or undefined when it was accepted. Anything but a PkiError fails the test. */
  const outcome = (damaged: Uint8Array): ErrorCode | undefined => {
    try {
      parse(damaged);
      return undefined;
    } catch (error) {
      if (error instanceof PkiError) return error.code;
      throw error;
    }
  };

  it("is taken when whole", () => expect(outcome(der)).toBeUndefined());

  it("is refused at every cut", () => {
    for (let length = 0; length < der.length; length++)
      expect(outcome(der.subarray(0, length)), `cut at ${length}`).toBe(code);
  });

  it("is refused with anything behind it", () => {
    for (const tail of [[0], [5, 0], [...der]]) expect(outcome(Uint8Array.from([...der, ...tail]))).toBe(code);
  });

  // A length can grow so that an OBJECT IDENTIFIER swallows its neighbour and is simply another one.
  it("is refused with any length octet changed, unless the result is other DER to the last octet", () => {
    for (const offset of lengthOctets(der)) {
      for (let value = 0; value < 256; value++) {
        const damaged = der.with(offset, value);
        if (value === der[offset] || outcome(damaged) === code) continue;
        const reencoded = new Uint8Array(AsnConvert.serialize(AsnConvert.parse(damaged, schema)));
        expect(reencoded, `octet ${offset} set to ${value}`).toEqual(damaged);
      }
    }
  });

  it("is refused or read, but never fails otherwise, with any one octet changed", () => {
    for (let offset = 0; offset < der.length; offset++) {
      for (const bit of [0x01, 0x20, 0x80, 0xff]) {
        const found = outcome(der.with(offset, (der[offset] as number) ^ bit));
        expect([undefined, code], `octet ${offset} changed by ${bit}`).toContain(found);
      }
    }
  });

  it("is refused or read, but never fails otherwise, with octets moved about", () => {
    const position = fc.nat(der.length - 1);
    fc.assert(
      fc.property(position, position, fc.nat(20), (from, to, length) => {
        const moved = Uint8Array.from(der);
        moved.set(der.subarray(from, Math.min(from + length, der.length - to + from)), to);
        expect([undefined, code]).toContain(outcome(moved));
      }),
      { numRuns: 1000 },
    );
  });
});
