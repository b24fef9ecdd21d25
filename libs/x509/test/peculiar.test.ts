import "reflect-metadata";
import { CertificationRequest } from "@peculiar/asn1-csr";
import { AsnConvert, OctetString } from "@peculiar/asn1-schema";
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
  type Name,
  OID,
  parseCertificate,
  parseCertificateList,
  parseCertificationRequest,
  parseIpAddress,
  parseName,
  REVOCATION_REASONS,
  type RevocationReason,
  SIGNATURE_ALGORITHMS,
  sha1KeyIdentifier,
  subjectAltName,
  subjectKeyIdentifier,
  toHex,
} from "../src/index.ts";
import * as arbitrary from "./arbitraries.ts";
import { makeKey } from "./keys.ts";

/* @peculiar/asn1-* and @peculiar/x509 as second opinion: what we write they read alike and would write alike, and the reverse. */

const { spkiDer } = makeKey();
const signatureAlgorithm = "ecdsa-p256-sha256";
const signature = Uint8Array.of(0x30, 6, 2, 1, 1, 2, 1, 1);
const keyIdentifier = sha1KeyIdentifier(spkiDer);

const bytes = (buffer: ArrayBuffer | OctetString) =>
  new Uint8Array(buffer instanceof OctetString ? buffer.buffer : buffer);
const serialized = (value: unknown) => bytes(AsnConvert.serialize(value));
const attributesOf = (name: asn.Name) =>
  [...name].map((rdn) => [...rdn].map(({ type, value }) => [type, value.toString()]));
const ownAttributes = (name: Name) => name.rdns.map((rdn) => rdn.map(({ oid, value }) => [oid, value]));

function theirSans(value: asn.SubjectAlternativeName) {
  const pick = (key: "dNSName" | "iPAddress" | "uniformResourceIdentifier" | "rfc822Name") =>
    [...value].flatMap((name) => name[key] ?? []);
  const ip = pick("iPAddress").map((text) => formatIpAddress(parseIpAddress(text)));
  return { dns: pick("dNSName"), ip, uri: pick("uniformResourceIdentifier"), email: pick("rfc822Name") };
}

const certificateFields = fc.record({
  serial: arbitrary.serial,
  issuer: arbitrary.nameAttributes,
  subject: arbitrary.nameAttributes,
  notBefore: arbitrary.date,
  notAfter: arbitrary.date,
  names: arbitrary.subjectAltNames,
  usages: arbitrary.keyUsages,
  purposes: arbitrary.purposes,
  pathLength: arbitrary.pathLength,
  urls: arbitrary.urls,
  critical: fc.boolean(),
});

describe("what we write", () => {
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

describe("what they write", () => {
  const algorithm = AsnConvert.parse(
    SIGNATURE_ALGORITHMS[signatureAlgorithm].algorithmIdentifierDer,
    asn.AlgorithmIdentifier,
  );
  const buffer = (octets: Uint8Array) => Uint8Array.from(octets).buffer;
  const spki = AsnConvert.parse(spkiDer, asn.SubjectPublicKeyInfo);

  /** A name with each value in the string type they are told, several attributes to an RDN. */
  const theirName = fc
    .array(
      fc.array(
        fc.tuple(
          fc.constantFrom(OID.commonName, OID.organizationName, "1.2.3.4"),
          fc.constantFrom(
            "utf8String",
            "printableString",
            "bmpString",
            "ia5String",
            "universalString",
            "teletexString",
          ),
          fc.stringMatching(/^[A-Za-z0-9 ]{1,12}$/),
        ),
        { minLength: 1, maxLength: 2 },
      ),
      { maxLength: 3 },
    )
    .map((rdns) => {
      const name = new asn.Name();
      for (const rdn of rdns) {
        const attributes = rdn.map(
          ([type, kind, value]) =>
            new asn.AttributeTypeAndValue({ type, value: new asn.AttributeValue({ [kind]: value }) }),
        );
        const sorted = attributes.toSorted((a, b) => Buffer.compare(serialized(a), serialized(b)));
        name.push(new asn.RelativeDistinguishedName(sorted));
      }
      return name;
    });

  const extension = (extnID: string, critical: boolean, value: unknown) =>
    new asn.Extension({ extnID, critical, extnValue: new OctetString(AsnConvert.serialize(value)) });

  it("names: we read the same text and keep the octets", () => {
    fc.assert(
      fc.property(theirName, (name) => {
        const der = serialized(name);
        const ours = parseName(der);
        expect(ours.der).toEqual(der);
        expect(ownAttributes(ours)).toEqual(attributesOf(name));
      }),
    );
  });

  it("certificates: we read the same", () => {
    fc.assert(
      fc.property(certificateFields, theirName, (fields, issuer) => {
        const san = new asn.SubjectAlternativeName([
          ...fields.names.dns.map((dNSName) => new asn.GeneralName({ dNSName })),
          ...fields.names.ip.map((iPAddress) => new asn.GeneralName({ iPAddress })),
          ...fields.names.uri.map((uri) => new asn.GeneralName({ uniformResourceIdentifier: uri })),
          ...fields.names.email.map((rfc822Name) => new asn.GeneralName({ rfc822Name })),
        ]);
        const points = fields.urls.map(
          (url) =>
            new asn.DistributionPoint({
              distributionPoint: new asn.DistributionPointName({
                fullName: [new asn.GeneralName({ uniformResourceIdentifier: url })],
              }),
            }),
        );
        const tbsCertificate = new asn.TBSCertificate({
          version: asn.Version.v3,
          serialNumber: buffer(fields.serial),
          signature: algorithm,
          issuer,
          validity: new asn.Validity({ notBefore: fields.notBefore, notAfter: fields.notAfter }),
          subject: issuer,
          subjectPublicKeyInfo: spki,
          extensions: new asn.Extensions([
            extension(
              OID.basicConstraints,
              fields.critical,
              new asn.BasicConstraints({ cA: true, pathLenConstraint: fields.pathLength }),
            ),
            extension(OID.extKeyUsage, fields.critical, new asn.ExtendedKeyUsage(fields.purposes)),
            extension(OID.subjectAltName, fields.critical, san),
            extension(OID.cRLDistributionPoints, false, new asn.CRLDistributionPoints(points)),
            extension(OID.subjectKeyIdentifier, false, new asn.SubjectKeyIdentifier(buffer(keyIdentifier))),
          ]),
        });
        const signatureValue = buffer(signature);
        const der = serialized(new asn.Certificate({ tbsCertificate, signatureAlgorithm: algorithm, signatureValue }));

        const ours = parseCertificate(der);
        expect(ours).toMatchObject({
          version: 3,
          serial: fields.serial,
          notBefore: fields.notBefore,
          notAfter: fields.notAfter,
          basicConstraints: { ca: true, pathLength: fields.pathLength },
          extendedKeyUsages: fields.purposes,
          crlDistributionPoints: fields.urls,
          subjectKeyIdentifier: keyIdentifier,
          subjectAltNames: {
            ...fields.names,
            ip: fields.names.ip.map((text) => formatIpAddress(parseIpAddress(text))),
          },
        });
        expect(ours.extensions[0]?.critical).toBe(fields.critical);
        expect(ownAttributes(ours.issuer)).toEqual(attributesOf(issuer));
        expect(ours.tbsDer).toEqual(serialized(tbsCertificate));
      }),
    );
  });

  it("requests of @peculiar/x509: we read the names and verify the signature", async () => {
    const webAlgorithm = { name: "ECDSA", namedCurve: "P-384", hash: "SHA-384" };
    const keys = await crypto.subtle.generateKey(webAlgorithm, true, ["sign", "verify"]);
    const request = await x509.Pkcs10CertificateRequestGenerator.create({
      name: "CN=argus, O=VCC",
      keys,
      signingAlgorithm: webAlgorithm,
      extensions: [
        new x509.SubjectAlternativeNameExtension([
          { type: "dns", value: "argus.vcc.internal" },
          { type: "url", value: "spiffe://vcc.internal/pki/argus" },
        ]),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      ],
      attributes: [new x509.ChallengePasswordAttribute("secret")],
    });
    const csr = parseCertificationRequest(new Uint8Array(request.rawData));
    expect(csr.verifySignature()).toBe(true);
    expect(csr).toMatchObject({
      keyAlgorithm: "ec-p384",
      subjectAltNames: { dns: ["argus.vcc.internal"], uri: ["spiffe://vcc.internal/pki/argus"] },
      extensions: [{ oid: OID.subjectAltName }, { oid: OID.keyUsage, critical: true }],
    });
    expect(csr.attributes.map(({ oid }) => oid)).toContain(OID.challengePassword);
  });
});
