import "reflect-metadata";
import { AsnConvert, OctetString } from "@peculiar/asn1-schema";
import * as asn from "@peculiar/asn1-x509";
import * as x509 from "@peculiar/x509";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  formatIpAddress,
  OID,
  parseCertificate,
  parseCertificationRequest,
  parseIpAddress,
  parseName,
  SIGNATURE_ALGORITHMS,
} from "../src/index.ts";

import {
  attributesOf,
  certificateFields,
  keyIdentifier,
  ownAttributes,
  serialized,
  signature,
  signatureAlgorithm,
  spkiDer,
} from "./peculiar.ts";

describe("what @peculiar writes, we read alike", () => {
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
