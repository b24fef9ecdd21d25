import "reflect-metadata";
import { CertificationRequest } from "@peculiar/asn1-csr";
import { AsnConvert } from "@peculiar/asn1-schema";
import * as asn from "@peculiar/asn1-x509";
import * as x509 from "@peculiar/x509";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  assembleSigned,
  authorityInfoAccess,
  authorityKeyIdentifier,
  basicConstraints,
  buildCertificationRequestInfo,
  buildName,
  buildTbsCertificate,
  buildTbsCertList,
  certificatePolicies,
  crlDistributionPoints,
  crlNumber,
  extendedKeyUsage,
  formatIpAddress,
  KEY_USAGES,
  keyUsage,
  OID,
  parseCertificateList,
  parseIpAddress,
  REVOCATION_REASONS,
  type RevocationReason,
  subjectAltName,
  subjectKeyIdentifier,
  toHex,
} from "../src/index.ts";
import * as arbitrary from "./arbitraries.ts";

import {
  attributesOf,
  bytes,
  certificateFields,
  keyIdentifier,
  ownAttributes,
  serialized,
  signature,
  signatureAlgorithm,
  spkiDer,
  theirSans,
} from "./peculiar.ts";

describe("what we write, @peculiar reads alike", () => {
  it("certificates: they read the same, and encode it to the same octets", () => {
    fc.assert(
      fc.property(certificateFields, (fields) => {
        const issuer = buildName(fields.issuer);
        const subject = buildName(fields.subject);
        const extensions = [
          basicConstraints({ ca: true, pathLength: fields.pathLength }),
          keyUsage(fields.usages),
          extendedKeyUsage(fields.purposes, fields.critical),
          subjectKeyIdentifier(keyIdentifier),
          authorityKeyIdentifier(keyIdentifier),
          subjectAltName(fields.names, fields.critical),
          crlDistributionPoints(fields.urls),
          authorityInfoAccess({ ocsp: fields.urls, caIssuers: fields.urls }),
          certificatePolicies(fields.purposes),
        ];
        const tbsDer = buildTbsCertificate({ ...fields, signatureAlgorithm, issuer, subject, spkiDer, extensions });
        const der = assembleSigned(tbsDer, signatureAlgorithm, signature);

        const theirs = AsnConvert.parse(der, asn.Certificate);
        const { tbsCertificate: tbs } = theirs;
        expect(bytes(tbs.serialNumber)).toEqual(fields.serial);
        expect(attributesOf(tbs.issuer)).toEqual(ownAttributes(issuer));
        expect(attributesOf(tbs.subject)).toEqual(ownAttributes(subject));
        expect(tbs.validity.notBefore.getTime()).toEqual(fields.notBefore);
        expect(tbs.validity.notAfter.getTime()).toEqual(fields.notAfter);
        expect(serialized(tbs.subjectPublicKeyInfo)).toEqual(spkiDer);

        const value = <T>(oid: string, type: new () => T): T => {
          const extension = tbs.extensions?.find(({ extnID }) => extnID === oid);
          return AsnConvert.parse(extension?.extnValue.buffer ?? new ArrayBuffer(), type);
        };
        expect(value(OID.basicConstraints, asn.BasicConstraints)).toMatchObject({
          cA: true,
          pathLenConstraint: fields.pathLength,
        });
        const bits = value(OID.keyUsage, asn.KeyUsage).toNumber();
        expect(bits).toBe(fields.usages.reduce((sum, usage) => sum | (1 << KEY_USAGES.indexOf(usage)), 0));
        expect([...value(OID.extKeyUsage, asn.ExtendedKeyUsage)]).toEqual(fields.purposes);
        expect(theirSans(value(OID.subjectAltName, asn.SubjectAlternativeName))).toEqual({
          ...fields.names,
          ip: fields.names.ip.map((text) => formatIpAddress(parseIpAddress(text))),
        });
        expect(serialized(theirs)).toEqual(der);
        expect(new x509.X509Certificate(der).serialNumber).toBe(toHex(fields.serial));
      }),
    );
  });

  it("requests: they read the same, and encode it to the same octets", () => {
    fc.assert(
      fc.property(arbitrary.nameAttributes, arbitrary.subjectAltNames, (attributes, subjectAltNames) => {
        const subject = buildName(attributes);
        const infoDer = buildCertificationRequestInfo({ subject, spkiDer, subjectAltNames });
        const der = assembleSigned(infoDer, signatureAlgorithm, signature);
        const theirs = AsnConvert.parse(der, CertificationRequest);
        expect(attributesOf(theirs.certificationRequestInfo.subject)).toEqual(ownAttributes(subject));
        const [request] = theirs.certificationRequestInfo.attributes;
        const [extension] = AsnConvert.parse(request?.values[0] ?? new ArrayBuffer(), asn.Extensions);
        expect(extension?.extnID).toBe(OID.subjectAltName);
        expect(serialized(theirs)).toEqual(der);
      }),
    );
  });

  it("CRLs: they read the same, and encode it to the same octets", () => {
    const entry = fc.record({
      serial: arbitrary.serial,
      revocationDate: arbitrary.date,
      reason: fc.constantFrom(...(Object.keys(REVOCATION_REASONS) as RevocationReason[])),
      invalidityDate: fc.option(arbitrary.date, { nil: undefined }),
    });
    fc.assert(
      fc.property(
        arbitrary.nameAttributes,
        fc.array(entry, { maxLength: 5 }),
        arbitrary.date,
        (attributes, revoked, at) => {
          const issuer = buildName(attributes);
          const extensions = [authorityKeyIdentifier(keyIdentifier), crlNumber(1000)];
          const fields = { signatureAlgorithm, issuer, thisUpdate: at, nextUpdate: at, revoked, extensions } as const;
          const der = assembleSigned(buildTbsCertList(fields), signatureAlgorithm, signature);
          const theirs = AsnConvert.parse(der, asn.CertificateList);
          const entries = theirs.tbsCertList.revokedCertificates ?? [];
          expect(entries.map((e) => [bytes(e.userCertificate), e.revocationDate.getTime()])).toEqual(
            revoked.map((e) => [e.serial, e.revocationDate]),
          );
          expect(theirs.tbsCertList.thisUpdate.getTime()).toEqual(at);
          expect(serialized(theirs)).toEqual(der);
          expect([...parseCertificateList(der).revoked()]).toMatchObject(revoked);
        },
      ),
    );
  });
});
