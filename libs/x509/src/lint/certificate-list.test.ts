import { describe, expect, it } from "vitest";
import { makeCa, type TestCa } from "../../test/authority.ts";
import { akiWithIssuer, craftedTbsCertList, patched, rawExtension } from "../../test/crafted.ts";
import {
  authorityKeyIdentifier,
  buildName,
  buildTbsCertList,
  crlNumber,
  deltaCrlIndicator,
  expiredCertsOnCrl,
  freshestCrl,
  issuingDistributionPoint,
  keyUsage,
  lintTbsCertList,
  OID,
  type RevokedCertificate,
  sha1KeyIdentifier,
  type TbsCertListFields,
} from "../index.ts";
import { CRL_ENTRY_RULES, CRL_RULES } from "./certificate-list.ts";

const ca = makeCa();
const THIS_UPDATE = new Date("2026-11-01T00:00:00Z");
const entry: RevokedCertificate = {
  serial: Uint8Array.of(1, 2, 3),
  revocationDate: new Date("2026-10-01T00:00:00Z"),
  reason: "keyCompromise",
  invalidityDate: new Date("2026-09-01T00:00:00Z"),
};

const aki = authorityKeyIdentifier(sha1KeyIdentifier(ca.spkiDer));
const usual = [aki, crlNumber(7)];

const crl = (fields: Partial<TbsCertListFields> = {}): Uint8Array =>
  buildTbsCertList({
    signatureAlgorithm: "ecdsa-p256-sha256",
    issuer: ca.certificate.subject,
    thisUpdate: THIS_UPDATE,
    nextUpdate: new Date("2026-11-08T00:00:00Z"),
    revoked: [entry],
    extensions: usual,
    ...fields,
  });
const withExtensions = (...extensions: Uint8Array[]) => crl({ extensions: [...usual, ...extensions] });
const withEntry = (fields: Partial<RevokedCertificate>) => crl({ revoked: [{ ...entry, ...fields }] });

const rulesOf = (tbsDer: Uint8Array, issuer: TestCa = ca) =>
  lintTbsCertList(tbsDer, issuer.certificate).map(({ rule }) => rule);

/** For each rule, something that breaks it. */
const VIOLATIONS: Record<string, [tbsDer: Uint8Array, issuer?: TestCa]> = {
  "well-formed": [Uint8Array.from([...crl(), 0])],
  "version-2": [craftedTbsCertList(ca.certificate.subject, { version: 1 })],
  "issuer-name": [crl({ issuer: buildName([["CN", "Test CA"]]) })],
  "issuer-may-sign-crls": [crl(), makeCa("Test CA", { keyUsage: keyUsage(["keyCertSign"]) })],
  "signature-algorithm": [crl({ signatureAlgorithm: "ecdsa-brainpoolp384r1-sha384" })],
  "authority-key-identifier": [crl({ extensions: [akiWithIssuer(ca), crlNumber(7)] })],
  "crl-number": [crl({ extensions: [aki] })],
  "next-update": [craftedTbsCertList(ca.certificate.subject, { nextUpdate: undefined })],
  "update-order": [crl({ nextUpdate: THIS_UPDATE })],
  criticality: [withExtensions(rawExtension(OID.issuingDistributionPoint, false, "30038101ff"))],
  "known-extensions": [withExtensions(rawExtension(OID.noRevAvail, false, "0500"))],
  "delta-base": [withExtensions(deltaCrlIndicator(7))],
  "delta-without-freshest": [withExtensions(deltaCrlIndicator(6), freshestCrl(["http://a.b/d"]))],
  "distribution-point": [withExtensions(rawExtension(OID.issuingDistributionPoint, true, "30068101ff8201ff"))],
  "freshest-crl-urls": [withExtensions(freshestCrl(["https://a.b/d"]))],
  "expired-certificates": [withExtensions(expiredCertsOnCrl(new Date(THIS_UPDATE.getTime() + 1000)))],
  "entry-unique": [crl({ revoked: [entry, entry] })],
  "revocation-date": [withEntry({ revocationDate: new Date(THIS_UPDATE.getTime() + 1000) })],
  "reason-unspecified-absent": [patched(crl(), "0a0101", "0a0100")],
  "remove-from-crl": [withEntry({ reason: "removeFromCRL" })],
  "invalidity-date": [withEntry({ invalidityDate: THIS_UPDATE })],
  "entry-criticality": [
    craftedTbsCertList(ca.certificate.subject, { entryExtension: rawExtension(OID.reasonCode, true, "0a0101") }),
  ],
};

describe("lintTbsCertList", () => {
  it("finds nothing in clean lists", () => {
    expect(rulesOf(crl())).toEqual([]);
    expect(rulesOf(crl({ revoked: [] }))).toEqual([]);
    expect(rulesOf(withEntry({ reason: "unspecified", invalidityDate: undefined }))).toEqual([]);
    const scope = issuingDistributionPoint({ urls: ["http://crl.vcc.internal/a.crl"], onlyContainsUserCerts: true });
    expect(rulesOf(withExtensions(scope, freshestCrl(["http://crl.vcc.internal/d.crl"])))).toEqual([]);
    expect(rulesOf(withExtensions(scope, expiredCertsOnCrl(THIS_UPDATE)))).toEqual([]);
  });

  it("finds nothing in clean deltas: what was revoked, put on hold or released since", () => {
    const scope = issuingDistributionPoint({ urls: ["http://crl.vcc.internal/a.crl"], onlyContainsCaCerts: true });
    const revoked = (["keyCompromise", "certificateHold", "removeFromCRL"] as const).map((reason, i) => ({
      serial: Uint8Array.of(i + 1),
      revocationDate: entry.revocationDate,
      reason,
    }));
    const extensions = [...usual, deltaCrlIndicator(6), scope];
    expect(rulesOf(crl({ revoked, extensions }))).toEqual([]);
    expect(rulesOf(crl({ revoked: [], extensions }))).toEqual([]);
    expect(rulesOf(crl({ revoked: revoked.slice(0, 2) }))).toEqual([]);
    expect(rulesOf(crl({ revoked }))).toEqual(["remove-from-crl"]);
    expect(rulesOf(crl({ extensions: [aki, crlNumber(7), deltaCrlIndicator(8)] }))).toEqual(["delta-base"]);
  });

  it("finds a delta whose indicator could be overlooked, or whose number is missing", () => {
    expect(rulesOf(withExtensions(rawExtension(OID.deltaCRLIndicator, false, "020106")))).toEqual(["criticality"]);
    expect(rulesOf(crl({ extensions: [aki, deltaCrlIndicator(6)] }))).toEqual(["crl-number"]);
  });

  it("looks at a hundred thousand entries", () => {
    const many = Array.from({ length: 100_000 }, (_, i) => ({
      ...entry,
      serial: Uint8Array.of(1, i >> 16, i >> 8, i),
    }));
    expect(rulesOf(crl({ revoked: many }))).toEqual([]);
    expect(rulesOf(crl({ revoked: [...many, entry, entry] }))).toEqual(["entry-unique"]);
  });

  it("has a violation for every rule", () => {
    const rules = [...CRL_RULES, ...CRL_ENTRY_RULES].map(([rule]) => rule);
    expect(Object.keys(VIOLATIONS).toSorted()).toEqual([...rules, "entry-unique", "well-formed"].toSorted());
  });

  it.each(Object.entries(VIOLATIONS))("finds %s", (rule, [tbsDer, issuer]) => {
    expect(rulesOf(tbsDer, issuer)).toContain(rule);
  });
});
