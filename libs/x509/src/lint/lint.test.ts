import { describe, expect, it } from "vitest";
import { type LeafOverrides, leafTbs, makeCa, NOT_AFTER, NOT_BEFORE, type TestCa } from "../../test/authority.ts";
import {
  akiWithIssuer,
  bmpName,
  longName,
  patched,
  rawExtension,
  SECP256K1_SPKI,
  selfIssuedLeaf,
  version1,
  withUniqueIdentifier,
} from "../../test/crafted.ts";
import { makeKey } from "../../test/keys.ts";
import {
  authorityInfoAccess,
  authorityKeyIdentifier,
  basicConstraints,
  buildName,
  certificatePolicies,
  crlDistributionPoints,
  crlNumber,
  extendedKeyUsage,
  keyUsage,
  lintTbsCertificate,
  nameConstraints,
  noRevAvail,
  OID,
  ocspNoCheck,
  onlyTheseNames,
  parseName,
  privateKeyUsagePeriod,
  subjectAltName,
  subjectKeyIdentifier,
} from "../index.ts";
import { EXTENSION_RULES } from "./certificate-extensions.ts";
import { FIELD_RULES } from "./certificate-fields.ts";
import { NAME_RULES } from "./certificate-names.ts";
import { USAGE_RULES } from "./certificate-usage.ts";

const NONE = new Uint8Array();
const ca = makeCa();
const ROOT = undefined;

const rulesOf = (tbsDer: Uint8Array, issuer: TestCa | undefined) =>
  lintTbsCertificate(tbsDer, issuer?.certificate).map(({ rule }) => rule);

/** Signs nothing: a CA certificate's tbs that may be below `ca` or its own issuer. */
const caTbs = (extensions: Record<string, Uint8Array>, issuer: TestCa | undefined = ca) =>
  makeCa("Sub CA", extensions, issuer).certificate.tbsDer;

const leaf = (overrides: LeafOverrides): Uint8Array => leafTbs(ca, overrides);
const leafWith = (extensions: Record<string, Uint8Array>): Uint8Array => leafTbs(ca, { extensions });
const names = (input: Parameters<typeof subjectAltName>[0]) => leafWith({ subjectAltName: subjectAltName(input) });
const purposes = (oids: string[], more: Record<string, Uint8Array> = {}) =>
  leafWith({ extendedKeyUsage: extendedKeyUsage(oids), ...more });

/** For each rule, something that breaks it, with the issuer it is held against. */
const VIOLATIONS: Record<string, [tbsDer: Uint8Array, issuer: TestCa | undefined]> = {
  "well-formed": [Uint8Array.from([...leaf({}), 0]), ca],

  // certificate-fields
  "version-3": [version1(leaf({})), ca],
  "no-unique-identifiers": [withUniqueIdentifier(leaf({})), ca],
  "serial-64-bits": [leaf({ serial: Uint8Array.of(0x7f, 1, 2, 3, 4, 5, 6, 7) }), ca],
  "validity-order": [leaf({ notBefore: new Date("2027-01-01T00:00:01Z") }), ca],
  "validity-within-issuer": [leaf({ notAfter: new Date(NOT_AFTER.getTime() + 1000) }), ca],
  "issuer-name": [leaf({ issuer: parseName(Uint8Array.from(ca.certificate.subject.der).fill(0x42, -1)) }), ca],
  "issuer-name-empty": [leaf({ issuer: buildName([]) }), ca],
  "ca-subject": [namelessCa(), ca],
  "signature-algorithm": [leaf({ signatureAlgorithm: "ecdsa-p384-sha384" }), ca],
  "key-algorithm": [leaf({ spkiDer: SECP256K1_SPKI }), ca],
  "key-differs-from-issuer": [leaf({ spkiDer: ca.spkiDer }), ca],
  "subject-characters": [patched(leaf({}), Buffer.from("argus.vcc"), Buffer.from("argus\u202evc").subarray(0, 9)), ca],
  "subject-string-types": [leaf({ subject: bmpName() }), ca],
  "subject-lengths": [leaf({ subject: longName() }), ca],

  // certificate-extensions
  "must-be-critical": [leafWith({ keyUsage: rawExtension(OID.keyUsage, false, "03020780") }), ca],
  "never-critical": [
    leafWith({ policies: rawExtension(OID.certificatePolicies, true, "300630040602 2a03".replace(/ /g, "")) }),
    ca,
  ],
  "unknown-critical-extension": [leafWith({ unknown: rawExtension("1.2.3.4", true, "0500") }), ca],
  "extension-der": [leafWith({ unknown: rawExtension("1.2.3.4", false, "050000") }), ca],
  "crl-extension": [leafWith({ crlNumber: crlNumber(1) }), ca],
  "subject-key-identifier": [leafWith({ subjectKeyIdentifier: subjectKeyIdentifier(new Uint8Array(20)) }), ca],
  "authority-key-identifier": [leafWith({ authorityKeyIdentifier: authorityKeyIdentifier(new Uint8Array(20)) }), ca],
  "authority-key-identifier-only-key": [leafWith({ authorityKeyIdentifier: akiWithIssuer(ca) }), ca],
  "root-is-ca": [selfIssuedLeaf(), ROOT],
  "issuer-may-issue": [leaf({}), makeCa("Test CA", { basicConstraints: basicConstraints({ ca: false }) })],
  "path-length": [
    caTbs(
      { basicConstraints: basicConstraints({ ca: true, pathLength: 1 }) },
      makeCa("A", { basicConstraints: basicConstraints({ ca: true, pathLength: 1 }) }),
    ),
    makeCa("A", { basicConstraints: basicConstraints({ ca: true, pathLength: 1 }) }),
  ],
  "ca-only-extensions": [leafWith({ nameConstraints: nameConstraints(onlyTheseNames({ dns: ["a.b"] })) }), ca],
  "any-policy": [leafWith({ policies: certificatePolicies([OID.anyPolicy]) }), ca],
  "no-rev-avail": [leafWith({ noRevAvail: noRevAvail(), crl: crlDistributionPoints(["http://a.b/c"]) }), ca],
  "ocsp-no-check": [leafWith({ ocspNoCheck: ocspNoCheck() }), ca],
  "access-urls": [leafWith({ access: authorityInfoAccess({ ocsp: ["https://ocsp.vcc.internal"] }) }), ca],
  "private-key-usage-period": [
    leafWith({ period: privateKeyUsagePeriod({ notBefore: new Date(NOT_BEFORE.getTime() - 1000) }) }),
    ca,
  ],

  // certificate-usage
  "key-usage-present": [leafWith({ keyUsage: NONE }), ca],
  "key-usage-of-ca": [caTbs({ keyUsage: keyUsage(["cRLSign"]) }), ca],
  "key-usage-by-key-type": [leafWith({ keyUsage: keyUsage(["digitalSignature", "keyEncipherment"]) }), ca],
  "extended-key-usage-present": [leafWith({ extendedKeyUsage: NONE }), ca],
  "any-extended-key-usage": [purposes([OID.anyExtendedKeyUsage]), ca],
  "extended-key-usage-alone": [purposes([OID.codeSigning, OID.clientAuth]), ca],
  "time-stamping": [purposes([OID.timeStamping]), ca],
  "signing-key-usage": [purposes([OID.codeSigning], { keyUsage: keyUsage(["nonRepudiation"]) }), ca],
  "ca-ocsp-signing": [caTbs({ extendedKeyUsage: extendedKeyUsage([OID.ocspSigning]) }), ca],
  "ca-purposes-apart": [caTbs({ extendedKeyUsage: extendedKeyUsage([OID.serverAuth, OID.codeSigning]) }), ca],
  "extended-key-usage-nested": [
    purposes([OID.clientAuth]),
    makeCa("TLS CA", { extendedKeyUsage: extendedKeyUsage([OID.serverAuth]) }),
  ],

  // certificate-names
  "subject-alt-name-present": [leafWith({ subjectAltName: NONE }), ca],
  "subject-alt-name-critical": [leaf({ subject: buildName([]) }), ca],
  "subject-alt-name-forms": [names({ directory: [buildName([["CN", "a"]])] }), ca],
  "subject-alt-name-unique": [names({ dns: ["argus.vcc.internal", "ARGUS.vcc.internal"] }), ca],
  "dns-name": [names({ dns: ["argus.vcc.internal", "10.0.0.1"] }), ca],
  "wildcard-only-servers": [names({ dns: ["argus.vcc.internal", "*.vcc.internal"] }), ca],
  "uri-name": [names({ dns: ["argus.vcc.internal"], uri: ["argus"] }), ca],
  "email-name": [names({ dns: ["argus.vcc.internal"], email: ["argus"] }), ca],
  "common-name-repeats": [names({ dns: ["covina.vcc.internal"] }), ca],
  "name-constraints": [
    leaf({}),
    makeCa("Constrained CA", { constraints: nameConstraints(onlyTheseNames({ dns: ["vcc.local"] })) }),
  ],
};

function namelessCa(): Uint8Array {
  const key = makeKey();
  return leaf({
    subject: buildName([]),
    spkiDer: key.spkiDer,
    extensions: {
      basicConstraints: basicConstraints({ ca: true }),
      keyUsage: keyUsage(["keyCertSign"]),
      extendedKeyUsage: NONE,
      subjectAltName: NONE,
    },
  });
}

describe("lintTbsCertificate", () => {
  it("finds nothing in a clean root, CA and end entity", () => {
    expect(rulesOf(ca.certificate.tbsDer, ROOT)).toEqual([]);
    expect(rulesOf(caTbs({}), ca)).toEqual([]);
    expect(rulesOf(leaf({}), ca)).toEqual([]);
  });

  it.each([
    [
      "names only in a critical subjectAltName",
      leaf({
        subject: buildName([]),
        extensions: { subjectAltName: subjectAltName({ uri: ["spiffe://vcc.internal/pki/ca"] }, true) },
      }),
    ],
    [
      "a server with a wildcard",
      purposes([OID.serverAuth], { subjectAltName: subjectAltName({ dns: ["argus.vcc.internal", "*.vcc.internal"] }) }),
    ],
    ["a code signer without subjectAltName", purposes([OID.codeSigning], { subjectAltName: NONE })],
    [
      "a time-stamping unit",
      leafWith({
        extendedKeyUsage: extendedKeyUsage([OID.timeStamping], true),
        subjectAltName: NONE,
        period: privateKeyUsagePeriod({ notAfter: new Date("2026-06-01T00:00:00Z") }),
      }),
    ],
    [
      "an OCSP responder",
      leafWith({
        extendedKeyUsage: extendedKeyUsage([OID.ocspSigning]),
        subjectAltName: NONE,
        ocspNoCheck: ocspNoCheck(),
      }),
    ],
    ["a certificate too short-lived to be revoked", leafWith({ noRevAvail: noRevAvail() })],
    [
      "an RSA key with key encipherment",
      leaf({
        spkiDer: makeKey("rsa-3072").spkiDer,
        extensions: { keyUsage: keyUsage(["digitalSignature", "keyEncipherment"]) },
      }),
    ],
  ])("finds nothing in %s", (_, tbsDer) => expect(rulesOf(tbsDer, ca)).toEqual([]));

  it("has a violation for every rule", () => {
    const rules = [FIELD_RULES, EXTENSION_RULES, USAGE_RULES, NAME_RULES].flat().map(([rule]) => rule);
    expect(new Set(rules).size).toBe(rules.length);
    expect(Object.keys(VIOLATIONS).toSorted()).toEqual([...rules, "well-formed"].toSorted());
  });

  it.each(Object.entries(VIOLATIONS))("finds %s", (rule, [tbsDer, issuer]) => {
    expect(rulesOf(tbsDer, issuer)).toContain(rule);
  });
});
