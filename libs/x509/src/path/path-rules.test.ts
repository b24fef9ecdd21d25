import { describe, expect, it } from "vitest";
import { makeIssuer, makeServer, makeUnit, type Party, type PartyFields } from "../../test/chain.ts";
import {
  basicConstraints,
  buildName,
  extendedKeyUsage,
  type KeyUsage,
  keyUsage,
  nameConstraints,
  OID,
  subjectAltName,
  validatePath,
} from "../index.ts";

const root = makeIssuer("Root");

/** What is wrong with a certificate under these CAs, and with which. */
function verdict({ certificate }: Party, issuers: readonly Party[], purpose?: string): string[] {
  const result = validatePath({
    ...{ certificate, candidates: issuers.map((issuer) => issuer.certificate), anchors: [root.certificate] },
    ...{ at: new Date("2026-11-02T12:00:00Z"), ...(purpose !== undefined && { purpose }) },
  });
  return result.ok
    ? []
    : result.reasons.map((failure) => `${failure.reason} ${failure.certificate.subject.rdns.at(-1)?.[0]?.value}`);
}

/** Why a unit under a CA is not one for this purpose. */
function purposeVerdict(purpose: string, fields: PartyFields, issuer: PartyFields = {}): string[] {
  const above = makeIssuer("CA", issuer, root);
  return verdict(makeUnit(above, fields), [above], purpose);
}

const purposes = (...oids: string[]) => ({ extensions: { extendedKeyUsage: extendedKeyUsage(oids) } });

describe("a purpose", () => {
  const both = { extendedKeyUsage: extendedKeyUsage([OID.codeSigning, OID.clientAuth]) };
  const silent = { extensions: { extendedKeyUsage: new Uint8Array() } };
  const may = (...usages: KeyUsage[]) => ({ keyUsage: keyUsage(usages) });

  it.each<[string, string, PartyFields, string[]]>([
    ["code signing", OID.codeSigning, { extensions: both }, []],
    ["code signing unsaid", OID.codeSigning, silent, ["purpose Unit"]],
    ["code signing among any", OID.codeSigning, purposes(OID.anyExtendedKeyUsage), ["purpose Unit"]],
    [
      "code signing with a key for nonRepudiation",
      OID.codeSigning,
      { extensions: { ...both, ...may("nonRepudiation") } },
      ["purpose Unit"],
    ],
    ["code signing without keyUsage", OID.codeSigning, { extensions: { ...both, keyUsage: new Uint8Array() } }, []],
    [
      "code signing by a CA",
      OID.codeSigning,
      { extensions: { ...both, basicConstraints: basicConstraints({ ca: true }) } },
      ["purpose Unit"],
    ],
    ["a TLS client", OID.clientAuth, { extensions: both }, []],
    ["a TLS client unsaid", OID.clientAuth, silent, []],
    ["a TLS client among any", OID.clientAuth, purposes(OID.anyExtendedKeyUsage), []],
    ["a purpose without rules of its own", OID.emailProtection, { extensions: both }, ["purpose Unit"]],
  ])("%s", (_, purpose, fields, expected) => expect(purposeVerdict(purpose, fields)).toEqual(expected));

  it("that a CA is not for cannot be had from it", () => {
    const any = purposes(OID.anyExtendedKeyUsage);
    expect(purposeVerdict(OID.timeStamping, {}, purposes(OID.codeSigning))).toEqual(["purpose CA"]);
    expect(purposeVerdict(OID.timeStamping, {}, any)).toEqual(["purpose CA"]);
    expect(purposeVerdict(OID.clientAuth, { extensions: both }, any)).toEqual([]);
    expect(purposeVerdict(OID.timeStamping, {}, purposes(OID.codeSigning, OID.timeStamping))).toEqual([]);
  });

  it("of a CA's own OCSP responder is not the CA's", () => {
    const responder = purposes(OID.ocspSigning);
    expect(purposeVerdict(OID.ocspSigning, responder, purposes(OID.clientAuth))).toEqual([]);
    expect(purposeVerdict(OID.ocspSigning, purposes(OID.clientAuth), responder)).toEqual(["purpose Unit"]);
  });

  it("matters only when one is asked for", () => {
    const above = makeIssuer("CA", purposes(OID.codeSigning), root);
    expect(verdict(makeServer(above), [above])).toEqual([]);
  });
});

describe("names", () => {
  it("are not looked at in certificates that a CA issued to itself", () => {
    const named = { subjectAltName: subjectAltName({ dns: ["other.de"] }) };
    const constraints = nameConstraints({ permitted: { dns: ["vcc.internal"] } });
    const limited = makeIssuer("Limited", { extensions: { constraints } }, root);
    const renewed = makeIssuer("Limited", { extensions: named }, limited);
    const below = makeIssuer("Below", { extensions: named }, limited);
    expect(verdict(makeServer(renewed), [limited, renewed])).toEqual([]);
    expect(verdict(makeServer(below), [limited, below])).toEqual(["nameConstraints Below"]);
  });

  it("are looked at in the last certificate even so", () => {
    const constraints = nameConstraints({ permitted: { dns: ["vcc.internal"] } });
    const limited = makeIssuer("Limited", { extensions: { constraints } }, root);
    const named = { subjectAltName: subjectAltName({ dns: ["other.de"] }) };
    const unit = makeUnit(limited, { subject: limited.certificate.subject, extensions: named });
    expect(verdict(unit, [limited])).toEqual(["nameConstraints Limited"]);
  });

  it("that are excluded are so in any case and string type", () => {
    const excluded = { directory: [buildName([["O", "Secret  Service"]])] };
    const limited = makeIssuer("Limited", { extensions: { constraints: nameConstraints({ excluded }) } }, root);
    const unit = makeUnit(limited, { subject: buildName([["O", "SECRET service"]]) });
    expect(verdict(unit, [limited])).toEqual(["nameConstraints SECRET service"]);
  });
});
