import { X509Certificate } from "node:crypto";
import { describe, expect, it } from "vitest";
import { leafTbs, makeCa, SERIAL } from "../test/authority.ts";
import { patched, version1 } from "../test/crafted.ts";
import { makeKey } from "../test/keys.ts";
import { openssl } from "../test/openssl.ts";
import {
  authorityInfoAccess,
  buildName,
  buildTbsCertificate,
  completeCertificate,
  crlDistributionPoints,
  isSignedBy,
  nameToText,
  OID,
  parseCertificate,
  parseTbsCertificate,
  pemDecode,
  pemEncode,
  sha1KeyIdentifier,
  subjectAltName,
} from "./index.ts";

const malformed = expect.objectContaining({ code: "CERTIFICATE_MALFORMED" });
const RSA_KEY = makeKey("rsa-3072");
const root = makeCa("Root CA");
const issuing = makeCa("Issuing CA", {}, root);
const leafDer = issuing.sign(
  leafTbs(issuing, {
    extensions: {
      subjectAltName: subjectAltName({
        dns: ["argus.vcc.internal"],
        uri: ["spiffe://vcc.internal/pki/argus"],
        ip: ["10.0.0.1"],
      }),
      crl: crlDistributionPoints(["http://crl.vcc.internal/a.crl"]),
      access: authorityInfoAccess({ ocsp: ["http://ocsp.vcc.internal"], caIssuers: ["http://aia.vcc.internal/a.cer"] }),
    },
  }),
);

/** A self-signed certificate that uses what OpenSSL's configuration can express. */
function fullCertificate(serialHex: string): Uint8Array {
  const config = `
    [req]
    distinguished_name=dn
    [dn]
    [ext]
    subjectKeyIdentifier=hash
    authorityKeyIdentifier=keyid:always,issuer:always
    basicConstraints=critical,CA:TRUE,pathlen:2
    keyUsage=critical,keyCertSign,cRLSign
    extendedKeyUsage=serverAuth,1.2.3.4
    subjectAltName=DNS:a.b,IP:::1,email:a@b.de,URI:urn:x:y,RID:1.2.3,dirName:org,otherName:1.2.3;UTF8:x
    certificatePolicies=1.2.3.4,@policy
    crlDistributionPoints=URI:http://a/c,point
    authorityInfoAccess=OCSP;URI:http://o,caIssuers;email:a@b.de
    nameConstraints=permitted;DNS:b.c,permitted;IP:10.0.0.0/255.0.0.0,excluded;email:.x,excluded;dirName:org
    policyConstraints=requireExplicitPolicy:3
    inhibitAnyPolicy=2
    1.2.3.9=ASN1:UTF8:hello
    [org]
    O=Org
    [policy]
    policyIdentifier=1.3.5.8
    CPS.1=http://cps
    userNotice.1=@note
    [note]
    explicitText=UTF8:text
    [point]
    fullname=URI:http://a/d
    CRLissuer=dirName:org
    reasons=keyCompromise,CACompromise`;
  const subject = ["-subj", "/C=DE/O=Örg+OU=b/CN=x", "-utf8", "-multivalue-rdn", "-set_serial", serialHex];
  const pem = openssl(
    ["req", "-x509", "-new", "-key", "k.pem", "-config", "c.cnf", "-extensions", "ext", "-days", "20000", ...subject],
    {
      "k.pem": RSA_KEY.privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
      "c.cnf": config.replace(/^ +/gm, ""),
    },
  );
  return pemDecode(pem, "CERTIFICATE")[0] ?? new Uint8Array();
}

describe("certificates we build", () => {
  it("pass openssl verify -x509_strict with their chain", () => {
    const files = {
      "root.pem": pemEncode("CERTIFICATE", root.certificate.der),
      "issuing.pem": pemEncode("CERTIFICATE", issuing.certificate.der),
      "leaf.pem": pemEncode("CERTIFICATE", leafDer),
    };
    const args = ["verify", "-x509_strict", "-purpose", "sslserver", "-attime", "1780000000", "-CAfile", "root.pem"];
    expect(openssl([...args, "-untrusted", "issuing.pem", "leaf.pem"], files)).toContain("leaf.pem: OK");
  });

  it("read the same in Node", () => {
    const ours = parseCertificate(leafDer);
    const theirs = new X509Certificate(leafDer);
    expect(theirs.serialNumber.toLowerCase()).toBe(ours.serialHex);
    expect(theirs.validFromDate).toEqual(ours.notBefore);
    expect(theirs.validToDate).toEqual(ours.notAfter);
    expect(theirs.subject).toBe("CN=argus.vcc.internal");
    expect(theirs.subjectAltName).toBe(
      "DNS:argus.vcc.internal, IP Address:10.0.0.1, URI:spiffe://vcc.internal/pki/argus",
    );
    expect(theirs.keyUsage).toEqual(ours.extendedKeyUsages);
    expect(new Uint8Array(theirs.publicKey.export({ type: "spki", format: "der" }))).toEqual(ours.spkiDer);
    expect(theirs.checkIssued(new X509Certificate(issuing.certificate.der))).toBe(true);
  });

  it("keep the issuer's name and key identifier octet for octet", () => {
    const leaf = parseCertificate(leafDer);
    expect(leaf.issuer.der).toEqual(issuing.certificate.subject.der);
    expect(leaf.authorityKeyIdentifier).toEqual(issuing.certificate.subjectKeyIdentifier);
    expect(issuing.certificate.subjectKeyIdentifier).toEqual(sha1KeyIdentifier(issuing.spkiDer));
  });

  it("carry their TBS unchanged and the signature of their issuer", () => {
    const tbsDer = leafTbs(issuing);
    const leaf = parseCertificate(issuing.sign(tbsDer));
    expect(leaf.tbsDer).toEqual(tbsDer);
    expect(isSignedBy(leaf, issuing.spkiDer)).toBe(true);
    expect(isSignedBy(leaf, root.spkiDer)).toBe(false);
    expect(isSignedBy(leaf, makeKey("ed25519").spkiDer)).toBe(false);
  });
});

describe("completeCertificate", () => {
  const tbsOf = (der: Uint8Array) => parseTbsCertificate(Uint8Array.from(parseCertificate(der).tbsDer));

  it("gives what parsing the whole would", () => {
    const certificate = completeCertificate(tbsOf(leafDer), leafDer);
    expect(certificate).toEqual(parseCertificate(leafDer));
    expect(isSignedBy(certificate, issuing.spkiDer)).toBe(true);
  });

  it("refuses another TBS, another algorithm and a trailing octet", () => {
    const mixed = Uint8Array.from(leafDer);
    mixed.set([0x03], Buffer.from(leafDer).lastIndexOf(Buffer.from("2a8648ce3d040302", "hex")) + 7);
    for (const der of [issuing.sign(leafTbs(issuing)), mixed, Uint8Array.from([...leafDer, 0])])
      expect(() => completeCertificate(tbsOf(leafDer), der)).toThrow(malformed);
  });
});

describe("parseCertificate", () => {
  it("gives the fields of a certificate", () => {
    expect(parseCertificate(leafDer)).toMatchObject({
      version: 3,
      serial: SERIAL,
      serialHex: "0102030405060708090a0b0c0d0e0f10",
      keyAlgorithm: "ec-p256",
      signatureAlgorithm: "ecdsa-sha256",
      isCa: false,
      keyUsage: ["digitalSignature"],
      extendedKeyUsages: [OID.serverAuth, OID.clientAuth],
      basicConstraints: { ca: false },
      subjectAltNames: { dns: ["argus.vcc.internal"], uri: ["spiffe://vcc.internal/pki/argus"], ip: ["10.0.0.1"] },
      crlDistributionPoints: ["http://crl.vcc.internal/a.crl"],
      ocspUrls: ["http://ocsp.vcc.internal"],
      caIssuerUrls: ["http://aia.vcc.internal/a.cer"],
    });
    expect(root.certificate.isCa).toBe(true);
  });

  it("reads a certificate OpenSSL made, with everything in it", () => {
    const certificate = parseCertificate(fullCertificate("0xfedcba"));
    expect(certificate).toMatchObject({ serialHex: "fedcba", keyAlgorithm: "rsa-3072", isCa: true });
    expect(nameToText(certificate.subject)).toBe("CN=x,OU=b+O=Örg,C=DE");
    expect(certificate.notAfter.getUTCFullYear()).toBeGreaterThan(2050);
    expect(certificate.known).toMatchObject({
      subjectAltName: { dns: ["a.b"], ip: ["::1"], email: ["a@b.de"], uri: ["urn:x:y"], otherCount: 2 },
      certificatePolicies: ["1.2.3.4", "1.3.5.8"],
      crlDistributionPoints: ["http://a/c", "http://a/d"],
      authorityInfoAccess: { ocsp: ["http://o"], caIssuers: [] },
      authorityKeyIdentifier: { namesIssuer: true },
      nameConstraints: { permitted: { dns: ["b.c"], ip: ["10.0.0.0/8"] }, excluded: { email: [".x"] } },
      policyConstraints: { requireExplicitPolicy: 3 },
      inhibitAnyPolicy: 2,
    });
    expect(certificate.extensions.some(({ oid }) => oid === "1.2.3.9")).toBe(true);
    expect(isSignedBy(certificate, certificate.spkiDer)).toBe(true);
  });

  it("refuses a serial number whose INTEGER has 21 octets", () => {
    expect(() => parseCertificate(fullCertificate(`0xfe${"dc".repeat(19)}`))).toThrow(malformed);
  });

  it.each([
    ["nothing", new Uint8Array()],
    ["a trailing octet", Uint8Array.from([...leafDer, 0])],
    ["two certificates", Uint8Array.from([...leafDer, ...leafDer])],
    ["PEM", new Uint8Array(Buffer.from(pemEncode("CERTIFICATE", leafDer)))],
    ["a CSR's worth of zeros", new Uint8Array(1000)],
    ["more than 256 KiB", new Uint8Array(262_145)],
  ])("refuses %s", (_, der) => expect(() => parseCertificate(der)).toThrow(malformed));

  it("refuses a signature algorithm that differs inside and outside", () => {
    const mixed = Uint8Array.from(leafDer);
    mixed.set([0x03], Buffer.from(leafDer).lastIndexOf(Buffer.from("2a8648ce3d040302", "hex")) + 7);
    expect(() => parseCertificate(mixed)).toThrow(malformed);
  });

  it.each([
    ["version 4", "a003020102", "a003020103"],
    ["version 1 spelt out", "a003020102", "a003020100"],
    ["a negative serial number", "02100102", "02108102"],
    ["a padded serial number", "021001020304", "021000020304"],
    ["extensions in version 2", "a003020102", "a003020101"],
    ["an impossible date", Buffer.from("260101").toString("hex"), Buffer.from("260231").toString("hex")],
  ])("refuses %s", (_, from, to) => {
    expect(() => parseTbsCertificate(patched(leafTbs(issuing), from, to))).toThrow(malformed);
  });

  it("refuses an empty list of extensions and a serial number of 21 octets", () => {
    const fields = {
      signatureAlgorithm: "ecdsa-p256-sha256",
      issuer: root.certificate.subject,
      notBefore: new Date(0),
      notAfter: new Date(1000),
      subject: buildName([]),
      spkiDer: root.spkiDer,
    } as const;
    const extensions = [subjectAltName({ dns: ["a.b"] })];
    expect(() => parseTbsCertificate(buildTbsCertificate({ ...fields, serial: SERIAL, extensions }))).not.toThrow();
    expect(() => parseTbsCertificate(buildTbsCertificate({ ...fields, serial: SERIAL, extensions: [] }))).toThrow(
      malformed,
    );
    const serial = new Uint8Array(21).fill(1);
    expect(() => parseTbsCertificate(buildTbsCertificate({ ...fields, serial, extensions }))).toThrow(malformed);
  });

  it("reads version 1", () => {
    expect(parseTbsCertificate(version1(leafTbs(issuing)))).toMatchObject({ version: 1, extensions: [], isCa: false });
  });
});
