import { describe, expect, it } from "vitest";
import { leafTbs, makeCa } from "../../test/authority.ts";
import { rawExtension } from "../../test/crafted.ts";
import { openssl } from "../../test/openssl.ts";
import {
  authorityInfoAccess,
  authorityKeyIdentifier,
  basicConstraints,
  buildName,
  certificatePolicies,
  crlDistributionPoints,
  crlNumber,
  DerReader,
  deltaCrlIndicator,
  expiredCertsOnCrl,
  extendedKeyUsage,
  freshestCrl,
  inhibitAnyPolicy,
  issuingDistributionPoint,
  type KnownExtensions,
  keyUsage,
  nameConstraints,
  noRevAvail,
  OID,
  ocspNoCheck,
  parseTbsCertificate,
  pemEncode,
  policyConstraints,
  privateKeyUsagePeriod,
  subjectAltName,
  subjectKeyIdentifier,
  TAG,
} from "../index.ts";
import { readExtensions } from "./extension.ts";
import { parseKnownExtensions } from "./known-extensions.ts";

const ca = makeCa();
const NONE = new Uint8Array();
const id = Uint8Array.from({ length: 20 }, (_, i) => i);
const NO_NAMES = { dns: [], ip: [], uri: [], email: [], directory: [], otherCount: 0 };

/** Reads one Extension the way a certificate's are read. */
function parsed(extensionDer: Uint8Array): KnownExtensions & { critical: boolean } {
  const list = Uint8Array.from([TAG.SEQUENCE, 0x81, extensionDer.length, ...extensionDer]);
  const reader = DerReader.over(
    extensionDer.length < 128 ? Uint8Array.from([0x30, extensionDer.length, ...extensionDer]) : list,
  );
  const extensions = readExtensions(reader);
  return { ...parseKnownExtensions(extensions), critical: extensions[0]?.critical ?? false };
}

/** Each builder's output, what we read from it, and how OpenSSL prints it in a certificate. */
const CASES: Record<string, [extensionDer: Uint8Array, value: object, printed: string | RegExp]> = {
  "basicConstraints of a CA": [
    basicConstraints({ ca: true, pathLength: 0 }),
    { basicConstraints: { ca: true, pathLength: 0 }, critical: true },
    "X509v3 Basic Constraints: critical CA:TRUE, pathlen:0",
  ],
  "basicConstraints of an end entity": [
    basicConstraints({ ca: false }),
    { basicConstraints: { ca: false, pathLength: undefined }, critical: true },
    "X509v3 Basic Constraints: critical CA:FALSE",
  ],
  keyUsage: [
    keyUsage(["digitalSignature", "cRLSign", "decipherOnly"]),
    { keyUsage: ["digitalSignature", "cRLSign", "decipherOnly"], critical: true },
    "X509v3 Key Usage: critical Digital Signature, CRL Sign, Decipher Only",
  ],
  extendedKeyUsage: [
    extendedKeyUsage([OID.timeStamping, "1.2.3.4"], true),
    { extendedKeyUsages: [OID.timeStamping, "1.2.3.4"], critical: true },
    "X509v3 Extended Key Usage: critical Time Stamping, 1.2.3.4",
  ],
  privateKeyUsagePeriod: [
    privateKeyUsagePeriod({ notBefore: new Date("2026-01-01T00:00:00Z"), notAfter: new Date("2051-01-01T00:00:00Z") }),
    {
      privateKeyUsagePeriod: {
        notBefore: new Date("2026-01-01T00:00:00Z"),
        notAfter: new Date("2051-01-01T00:00:00Z"),
      },
      critical: false,
    },
    "X509v3 Private Key Usage Period: Not Before: Jan 1 00:00:00 2026 GMT, Not After: Jan 1 00:00:00 2051 GMT",
  ],
  subjectKeyIdentifier: [
    subjectKeyIdentifier(id),
    { subjectKeyIdentifier: id, critical: false },
    "X509v3 Subject Key Identifier: 00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:10:11:12:13",
  ],
  authorityKeyIdentifier: [
    authorityKeyIdentifier(id),
    { authorityKeyIdentifier: { keyIdentifier: id, namesIssuer: false }, critical: false },
    "X509v3 Authority Key Identifier: 00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:10:11:12:13",
  ],
  subjectAltName: [
    subjectAltName(
      {
        dns: ["a.b"],
        ip: ["10.0.0.1", "2001:db8::1"],
        uri: ["spiffe://a/b"],
        email: ["a@b.de"],
        directory: [buildName([["CN", "x"]])],
      },
      true,
    ),
    {
      subjectAltName: {
        dns: ["a.b"],
        ip: ["10.0.0.1", "2001:db8::1"],
        uri: ["spiffe://a/b"],
        email: ["a@b.de"],
        directory: [buildName([["CN", "x"]])],
        otherCount: 0,
      },
      critical: true,
    },
    "X509v3 Subject Alternative Name: critical DNS:a.b, IP Address:10.0.0.1, IP Address:2001:DB8:0:0:0:0:0:1, URI:spiffe://a/b, email:a@b.de, DirName:/CN=x",
  ],
  authorityInfoAccess: [
    authorityInfoAccess({ ocsp: ["http://o/1", "http://o/2"], caIssuers: ["http://c"] }),
    { authorityInfoAccess: { ocsp: ["http://o/1", "http://o/2"], caIssuers: ["http://c"] }, critical: false },
    "Authority Information Access: OCSP - URI:http://o/1 OCSP - URI:http://o/2 CA Issuers - URI:http://c",
  ],
  crlDistributionPoints: [
    crlDistributionPoints(["http://a/1.crl", "http://a/2.crl"]),
    { crlDistributionPoints: ["http://a/1.crl", "http://a/2.crl"], critical: false },
    "X509v3 CRL Distribution Points: Full Name: URI:http://a/1.crl Full Name: URI:http://a/2.crl",
  ],
  freshestCrl: [
    freshestCrl(["http://a/d.crl"]),
    { freshestCrl: ["http://a/d.crl"], critical: false },
    "X509v3 Freshest CRL: Full Name: URI:http://a/d.crl",
  ],
  certificatePolicies: [
    certificatePolicies(["1.3.6.1.4.1.99999.1", OID.anyPolicy]),
    { certificatePolicies: ["1.3.6.1.4.1.99999.1", OID.anyPolicy], critical: false },
    "X509v3 Certificate Policies: Policy: 1.3.6.1.4.1.99999.1 Policy: X509v3 Any Policy",
  ],
  policyConstraints: [
    policyConstraints({ requireExplicitPolicy: 0, inhibitPolicyMapping: 1 }),
    { policyConstraints: { requireExplicitPolicy: 0, inhibitPolicyMapping: 1 }, critical: true },
    "X509v3 Policy Constraints: critical Require Explicit Policy:0, Inhibit Policy Mapping:1",
  ],
  inhibitAnyPolicy: [
    inhibitAnyPolicy(0),
    { inhibitAnyPolicy: 0, critical: true },
    "X509v3 Inhibit Any Policy: critical 0",
  ],
  nameConstraints: [
    nameConstraints({
      permitted: { dns: ["a.b", ""], ip: ["10.0.0.0/8"], email: [".b"], directory: [buildName([["O", "VCC"]])] },
      excluded: { uri: [".a"], ip: ["2001:db8::/32"] },
    }),
    {
      nameConstraints: {
        permitted: {
          ...NO_NAMES,
          dns: ["a.b", ""],
          ip: ["10.0.0.0/8"],
          email: [".b"],
          directory: [buildName([["O", "VCC"]])],
        },
        excluded: { ...NO_NAMES, uri: [".a"], ip: ["2001:db8::/32"] },
      },
      critical: true,
    },
    "X509v3 Name Constraints: critical Permitted: DNS:a.b DNS: IP:10.0.0.0/255.0.0.0 email:.b DirName:O = VCC Excluded: IP:2001:DB8:0:0:0:0:0:0/FFFF:FFFF:0:0:0:0:0:0 URI:.a",
  ],
  noRevAvail: [
    noRevAvail(),
    { noRevAvail: true, critical: false },
    /^(X509v3 No Revocation Available|2\.5\.29\.56): \.\.$/,
  ],
  ocspNoCheck: [ocspNoCheck(), { ocspNoCheck: true, critical: false }, "OCSP No Check:"],
  issuingDistributionPoint: [
    issuingDistributionPoint({ urls: ["http://a/1.crl"], onlyContainsUserCerts: true }),
    {
      issuingDistributionPoint: {
        isNamed: true,
        urls: ["http://a/1.crl"],
        onlyContainsUserCerts: true,
        onlyContainsCaCerts: false,
        onlySomeReasons: false,
        indirectCrl: false,
        onlyContainsAttributeCerts: false,
      },
      critical: true,
    },
    "X509v3 Issuing Distribution Point: critical Full Name: URI:http://a/1.crl Only User Certificates",
  ],
  crlNumber: [crlNumber(2n ** 40n), { crlNumber: 2n ** 40n, critical: false }, "X509v3 CRL Number: 1099511627776"],
  deltaCrlIndicator: [
    deltaCrlIndicator(128),
    { deltaCrlIndicator: 128n, critical: true },
    "X509v3 Delta CRL Indicator: critical 128",
  ],
  expiredCertsOnCrl: [
    expiredCertsOnCrl(new Date("2026-01-01T00:00:00Z")),
    { expiredCertsOnCrl: new Date("2026-01-01T00:00:00Z"), critical: false },
    "2.5.29.60: ..20260101000000Z",
  ],
};

describe("extensions", () => {
  it.each(Object.entries(CASES))("%s is read as it was built", (_, [extensionDer, value]) => {
    expect(parsed(extensionDer)).toEqual(value);
  });

  it.each(Object.entries(CASES))("%s is printed by OpenSSL as expected", (_, [extensionDer, , printed]) => {
    const own = { basicConstraints: NONE, keyUsage: NONE, extendedKeyUsage: NONE, subjectKeyIdentifier: NONE };
    const none = { ...own, authorityKeyIdentifier: NONE, subjectAltName: NONE };
    const pem = pemEncode("CERTIFICATE", ca.sign(leafTbs(ca, { extensions: { ...none, one: extensionDer } })));
    const text = openssl(["x509", "-noout", "-text", "-nameopt", "oneline", "-in", "c.pem"], { "c.pem": pem });
    const [, listing = ""] = /X509v3 extensions:\n([\s\S]*?)\n {4}Signature Algorithm/.exec(text) ?? [];
    expect(listing.replace(/\s+/g, " ").trim()).toEqual(
      printed instanceof RegExp ? expect.stringMatching(printed) : printed,
    );
  });

  it.each([
    ["keyUsage", () => keyUsage([])],
    ["extKeyUsage", () => extendedKeyUsage([])],
    ["subjectAltName", () => subjectAltName({})],
    ["authorityInfoAccess", () => authorityInfoAccess({})],
    ["distribution points", () => crlDistributionPoints([])],
    ["issuingDistributionPoint", () => issuingDistributionPoint({})],
    ["certificatePolicies", () => certificatePolicies([])],
    ["policyConstraints", () => policyConstraints({})],
    ["nameConstraints", () => nameConstraints({})],
  ])("no empty %s is built", (_, build) => expect(build).toThrow(RangeError));

  it.each([
    ["a DNS name that is not ASCII", () => subjectAltName({ dns: ["münchen.de"] })],
    ["a DNS name with NUL", () => subjectAltName({ dns: ["a\0.b"] })],
    ["an IP address that is none", () => subjectAltName({ ip: ["10.0.0"] })],
    ["a constraint with a leading dot", () => nameConstraints({ permitted: { dns: [".a"] } })],
  ])("%s is not built", (_, build) => expect(build).toThrow(expect.objectContaining({ code: "NAME_MALFORMED" })));

  it.each([
    ["keyUsage without a bit", OID.keyUsage, "030100"],
    ["keyUsage with bit 9", OID.keyUsage, "0303060040"],
    ["keyUsage with trailing zero bits", OID.keyUsage, "03020080"],
    ["extKeyUsage without a purpose", OID.extKeyUsage, "3000"],
    ["a key purpose twice", OID.extKeyUsage, "300c06042a03040506042a030405"],
    ["cA FALSE encoded", OID.basicConstraints, "3003010100"],
    ["pathLenConstraint without cA", OID.basicConstraints, "3003020100"],
    ["a negative pathLenConstraint", OID.basicConstraints, "30060101ff0201ff"],
    ["subjectAltName without a name", OID.subjectAltName, "3000"],
    ["an iPAddress of five octets", OID.subjectAltName, "300787050a00000101"],
    ["a dNSName beyond ASCII", OID.subjectAltName, "30048202c3a9"],
    ["a GeneralName [9]", OID.subjectAltName, "3003890161"],
    ["an IP constraint with holes in its mask", OID.nameConstraints, "300ea00c300a87080a000000ff00ff00"],
    ["an empty nameConstraints", OID.nameConstraints, "3000"],
    ["a subtree with minimum", OID.nameConstraints, "300aa0083006820161800100"],
    ["a certificate policy twice", OID.certificatePolicies, "300a300306012a300306012a"],
    ["an empty distribution point", OID.cRLDistributionPoints, "30023000"],
    ["an empty issuingDistributionPoint", OID.issuingDistributionPoint, "3000"],
    ["a FALSE in issuingDistributionPoint", OID.issuingDistributionPoint, "3003810100"],
    ["an empty privateKeyUsagePeriod", OID.privateKeyUsagePeriod, "3000"],
    ["noRevAvail with content", OID.noRevAvail, "050100"],
    ["trailing octets", OID.noRevAvail, "050000"],
    ["a negative crlNumber", OID.cRLNumber, "0201ff"],
    ["a crlNumber of 21 octets", OID.cRLNumber, `0215${"01".repeat(21)}`],
    ["authorityCertIssuer without serial", OID.authorityKeyIdentifier, "3005a103820161"],
  ])("%s is malformed", (_, oid, valueHex) => {
    const tbsDer = leafTbs(ca, {
      extensions: {
        keyUsage: NONE,
        extendedKeyUsage: NONE,
        basicConstraints: NONE,
        subjectAltName: NONE,
        authorityKeyIdentifier: NONE,
        bad: rawExtension(oid, false, valueHex),
      },
    });
    expect(() => parseTbsCertificate(tbsDer)).toThrow(expect.objectContaining({ code: "CERTIFICATE_MALFORMED" }));
  });

  it("no extension comes twice, and critical FALSE is not encoded", () => {
    const twice = leafTbs(ca, { extensions: { again: basicConstraints({ ca: false }) } });
    expect(() => parseTbsCertificate(twice)).toThrow(expect.objectContaining({ code: "CERTIFICATE_MALFORMED" }));
    const encodedFalse = new Uint8Array(Buffer.from("300c0603551d0e01010004020400", "hex"));
    expect(() => parsed(encodedFalse)).toThrow(expect.objectContaining({ code: "DER_MALFORMED" }));
  });

  it("counts names of forms it does not read", () => {
    const other = rawExtension(OID.subjectAltName, false, "3016a00c06032a0304a0050c0361626382016188032a0304");
    expect(parsed(other).subjectAltName).toMatchObject({ otherCount: 2, dns: ["a"] });
  });
});
