import { PkiError } from "@vcc-pki/errors";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { makeIssuer, makeList, makeUnit, type Party } from "../../test/chain.ts";
import {
  buildName,
  type Certificate,
  extendedKeyUsage,
  keyUsage,
  nameConstraints,
  noRevAvail,
  OID,
  PATH_LIMITS,
  type PathQuestion,
  type PathResult,
  parseCertificate,
  parseName,
  subjectAltName,
  validatePath,
} from "../index.ts";

const AT = new Date("2026-11-02T12:00:00Z");
const root = makeIssuer("Root");
const middle = makeIssuer("Middle", {}, root);
const ca = makeIssuer("CA", {}, middle);
const unit = makeUnit(ca);

const certificatesOf = (parties: readonly Party[]) => parties.map(({ certificate }) => certificate);

/** Whether the unit is good, unless something else is asked. */
const validate = (question: Partial<PathQuestion> = {}): PathResult =>
  validatePath({
    ...{ certificate: unit.certificate, candidates: certificatesOf([ca, middle]), anchors: [root.certificate], at: AT },
    ...question,
  });

const reasonsOf = (result: PathResult): string[] =>
  result.ok ? [] : result.reasons.map(({ reason, certificate }) => `${reason} ${nameOf(certificate)}`);

const nameOf = ({ subject }: Certificate) => subject.rdns.at(-1)?.[0]?.value;

const purposes = (...oids: string[]) => ({ extensions: { extendedKeyUsage: extendedKeyUsage(oids) } });

describe("a path", () => {
  it("goes from the certificate to the anchor", () => {
    expect(validate()).toEqual({
      ok: true,
      path: certificatesOf([unit, ca, middle, root]),
      statuses: [],
    });
  });

  it("is found among any candidates, the anchor and the certificate itself included", () => {
    const others = certificatesOf([root, unit, makeIssuer("Other"), makeIssuer("CA"), ca, middle, ca]);
    fc.assert(
      fc.property(fc.shuffledSubarray(others, { minLength: others.length }), (candidates) => {
        expect(validate({ candidates })).toMatchObject({ path: certificatesOf([unit, ca, middle, root]) });
      }),
    );
  });

  it("may lead to an anchor that is not a root", () => {
    expect(validate({ anchors: [middle.certificate] })).toMatchObject({ path: certificatesOf([unit, ca, middle]) });
  });

  it("is not an anchor alone", () => {
    expect(reasonsOf(validate({ certificate: root.certificate }))).toEqual(["noIssuer Root"]);
    expect(validate({ anchors: [unit.certificate] }).ok).toBe(false);
  });

  it("goes round a certificate that is no good, and stops where it finds none", () => {
    const expired = makeIssuer("Middle", { key: middle, notAfter: new Date(AT.getTime() - 1000) }, root);
    const candidates = certificatesOf([expired, ca, middle]);
    expect(validate({ candidates })).toMatchObject({ path: certificatesOf([unit, ca, middle, root]) });
    expect(reasonsOf(validate({ candidates: certificatesOf([expired, ca]) }))).toEqual(["expired Middle"]);
  });

  it("leaves an expired root aside for another that signed the same CA", () => {
    const old = makeIssuer("Old root", { notAfter: new Date(AT.getTime() - 1000) });
    const crossed = makeIssuer("Middle", { key: middle }, old);
    const candidates = certificatesOf([ca, crossed, middle]);
    for (const anchors of [certificatesOf([old, root]), certificatesOf([root, old])]) {
      expect(validate({ candidates, anchors })).toMatchObject({ path: certificatesOf([unit, ca, middle, root]) });
    }
    expect(reasonsOf(validate({ candidates, anchors: [old.certificate] }))).toEqual(["expired Old root"]);
  });

  it("is built by names and signatures; key identifiers only help", () => {
    const misled = makeIssuer("CA", { key: ca, extensions: { subjectKeyIdentifier: otherKeyIdentifier() } }, middle);
    expect(validate({ candidates: certificatesOf([misled, middle]) }).ok).toBe(true);
  });

  it("compares names octet by octet", () => {
    const printable = parseName(new Uint8Array(Buffer.from("300d310b3009060355040a13024341", "hex")));
    const text = buildName([["O", "CA"]]);
    const issuer = makeIssuer("CA", { subject: printable }, root);
    const { certificate } = makeUnit(issuer, { issuer: text });
    expect(reasonsOf(validate({ certificate, candidates: [issuer.certificate] }))).toEqual(["noIssuer Unit"]);
  });

  it("is valid through the last second, and not in the fractions before the first", () => {
    const { certificate } = makeUnit(ca, { notBefore: AT, notAfter: AT });
    const verdictAfter = (ms: number) => reasonsOf(validate({ certificate, at: new Date(AT.getTime() + ms) }));
    expect([-1, 0, 999, 1000].map(verdictAfter)).toEqual([["notYetValid Unit"], [], [], ["expired Unit"]]);
  });

  it("has serial numbers, but for its anchor", () => {
    const nought = { serial: Uint8Array.of(0) };
    const anchor = makeIssuer("Nought", nought);
    const question = { candidates: [], anchors: [anchor.certificate] };
    expect(validate({ ...question, certificate: makeUnit(anchor).certificate }).ok).toBe(true);
    expect(reasonsOf(validate({ ...question, certificate: makeUnit(anchor, nought).certificate }))).toEqual([
      "malformed Unit",
    ]);
  });

  it("has a time", () => {
    expect(() => validate({ at: new Date(Number.NaN) })).toThrow(RangeError);
  });
});

const otherKeyIdentifier = () => new Uint8Array(Buffer.from("300b0603551d0e04040402abcd", "hex"));

describe("a refusal", () => {
  it("tells of the farthest that was reached when there is no path", () => {
    expect(reasonsOf(validate({ candidates: [] }))).toEqual(["noIssuer Unit"]);
    expect(reasonsOf(validate({ candidates: [ca.certificate] }))).toEqual(["noIssuer CA"]);
    expect(reasonsOf(validate({ anchors: [] }))).toEqual(["noIssuer Middle"]);
    expect(reasonsOf(validate({ anchors: [makeIssuer("Root").certificate] }))).toEqual(["signatureInvalid Middle"]);
  });

  it("tells of the path in which the least is wrong, and all that is", () => {
    const old = makeIssuer("CA", { key: ca, notAfter: new Date("2026-06-01T00:00:00Z") }, middle);
    const badUnit = makeUnit(ca, purposes(OID.codeSigning));
    const question = { certificate: badUnit.certificate, purpose: OID.timeStamping };
    const candidates = certificatesOf([old, middle]);
    expect(reasonsOf(validate({ ...question, candidates }))).toEqual(["expired CA", "purpose Unit"]);
    expect(reasonsOf(validate({ ...question, candidates: [...candidates, ca.certificate] }))).toEqual(["purpose Unit"]);
  });

  it("of a signature algorithm or a key", () => {
    const sha1 = sha1Signed();
    expect(reasonsOf(validate({ certificate: sha1 }))).toEqual(["algorithmNotAllowed Unit"]);
    const keys = { blocklist: { has: (spkiDer: Uint8Array) => spkiDer === middle.certificate.spkiDer } };
    expect(reasonsOf(validate({ keys }))).toEqual(["keyNotAllowed Middle"]);
  });

  it("never follows from a single octet changed to another certificate", () => {
    const { der } = unit.certificate;
    fc.assert(
      fc.property(fc.nat({ max: der.length - 1 }), fc.integer({ min: 1, max: 255 }), (place, change) => {
        const changed = Uint8Array.from(der);
        changed[place] = (changed[place] as number) ^ change;
        const certificate = tryParse(changed);
        if (certificate !== undefined) expect(validate({ certificate, purpose: OID.timeStamping }).ok).toBe(false);
      }),
      { numRuns: 2000 },
    );
  });
});

/** The unit's certificate with ecdsa-with-SHA1 where ecdsa-with-SHA256 stood. */
function sha1Signed(): Certificate {
  const hex = Buffer.from(unit.certificate.der).toString("hex");
  const [sha256, sha1] = ["300a06082a8648ce3d040302", "300a06082a8648ce3d040102"];
  return parseCertificate(new Uint8Array(Buffer.from(hex.replaceAll(sha256, sha1), "hex")));
}

function tryParse(der: Uint8Array): Certificate | undefined {
  try {
    return parseCertificate(der);
  } catch (error) {
    expect(error).toBeInstanceOf(PkiError);
    return undefined;
  }
}

describe("limits", () => {
  it("of a path are eight certificates", () => {
    const line = [root];
    while (line.length < PATH_LIMITS.certificates) line.push(makeIssuer(`CA ${line.length}`, {}, line.at(-1)));
    const candidates = certificatesOf(line);
    const ofLength = (count: number) => makeUnit(line[count - 2] as Party).certificate;
    expect(validate({ certificate: ofLength(8), candidates })).toMatchObject({ path: { length: 8 } });
    expect(reasonsOf(validate({ certificate: ofLength(9), candidates }))).toContain("pathTooLong CA 2");
  });

  it("of CAs in between leave out those issued by themselves", () => {
    expect(validate({ maxIntermediates: 2 }).ok).toBe(true);
    expect(reasonsOf(validate({ maxIntermediates: 1 }))).toEqual(["pathTooLong Unit"]);
    const renewed = makeIssuer("Middle", {}, middle);
    const { certificate } = makeUnit(renewed);
    const candidates = certificatesOf([renewed, middle]);
    expect(validate({ certificate, candidates, maxIntermediates: 1 }).ok).toBe(true);
  });

  it("end the search among CAs that have all signed each other", () => {
    const mesh = Array.from({ length: 16 }, (_, i) => makeIssuer(`CA ${i}`));
    const crossed = mesh.flatMap((subject, i) =>
      mesh.filter((by) => by !== subject).map((by) => makeIssuer(`CA ${i}`, { key: subject }, by).certificate),
    );
    const { certificate } = makeUnit(mesh[0] as Party);
    expect(reasonsOf(validate({ certificate, candidates: crossed }))).toContain("tooManyTries Unit");
  });

  it("of paths that are looked at are 32", () => {
    const twins = Array.from({ length: 32 }, () => makeIssuer("CA", { key: ca, ...mute }, root));
    const among = (count: number) =>
      reasonsOf(validate({ candidates: certificatesOf([...twins.slice(0, count), ca, middle]) }));
    expect(among(31)).toEqual([]);
    expect(among(32)).toEqual(["notACa CA", "tooManyTries Unit"]);
  });

  it("of names hold for all paths together", () => {
    const list = (host: string) => Array.from({ length: 500 }, (_, i) => `${host}${i}.vcc.de`);
    const constraints = nameConstraints({ excluded: { dns: list("b") } });
    const limits = { key: ca, extensions: { constraints } };
    const last = makeIssuer("CA", limits, root);
    const extensions = { subjectAltName: subjectAltName({ dns: list("a").slice(3) }) };
    const { certificate } = makeUnit(last, { extensions });
    const among = (count: number) => {
      const twins = Array.from({ length: count }, () =>
        makeIssuer("CA", { ...limits, extensions: { ...limits.extensions, ...mute.extensions } }, root),
      );
      return validate({ certificate, candidates: certificatesOf([...twins, last]) });
    };
    expect(among(3).ok).toBe(true);
    expect(reasonsOf(among(4))).toEqual(["notACa CA"]);
  });
});

/** A CA that may not sign certificates. */
const mute = { extensions: { keyUsage: keyUsage(["cRLSign"]) } };

describe("revocation", () => {
  const lists = [root, middle, ca].map((issuer) => makeList(issuer));
  const revoking = (issuer: Party, { certificate: { serial } }: Party) =>
    makeList(issuer, { revoked: [{ serial, revocationDate: new Date("2026-10-01T00:00:00Z"), reason: "superseded" }] });

  it("is looked at when there is evidence, for all but the anchor", () => {
    const result = validate({ revocation: { crls: lists }, requireRevocation: true });
    expect(result).toMatchObject({ statuses: [{ status: "good" }, { status: "good" }, { status: "good" }] });
    expect(reasonsOf(validate({ revocation: { crls: [revoking(ca, unit)] } }))).toEqual(["revoked Unit"]);
    expect(reasonsOf(validate({ revocation: { crls: [revoking(root, middle)] } }))).toEqual(["revoked Middle"]);
    expect(validate({ revocation: { crls: [revoking(root, root)] } }).ok).toBe(true);
  });

  it("that is unknown is refused when it is required", () => {
    const crls = [lists[0], lists[2]].filter((crl) => crl !== undefined);
    const { statuses } = validate({ revocation: { crls } }) as PathResult & { ok: true };
    expect(statuses.map(({ status }) => status)).toEqual(["good", "unknown", "good"]);
    expect(reasonsOf(validate({ revocation: { crls }, requireRevocation: true }))).toEqual(["revocationUnknown CA"]);
    expect(reasonsOf(validate({ requireRevocation: true }))).toEqual([
      "revocationUnknown Unit",
      "revocationUnknown CA",
      "revocationUnknown Middle",
    ]);
  });

  it("that never becomes known is not required", () => {
    const { certificate } = makeUnit(ca, { extensions: { noRevAvail: noRevAvail() } });
    const question = { certificate, requireRevocation: true };
    expect(validate({ ...question, revocation: { crls: lists.slice(0, 2) } }).ok).toBe(true);
    const loud = makeIssuer("CA", { key: ca, extensions: { noRevAvail: noRevAvail() } }, middle);
    expect(reasonsOf(validate({ candidates: certificatesOf([loud, middle]) }))).toEqual(["malformed CA"]);
  });

  it("of one certificate of a CA leaves another", () => {
    const crossed = makeIssuer("CA", { key: ca }, root);
    const crls = [lists[0], revoking(middle, ca), lists[2]].filter((crl) => crl !== undefined);
    const question = { revocation: { crls }, requireRevocation: true };
    const candidates = certificatesOf([ca, middle, crossed]);
    expect(validate({ ...question, candidates })).toMatchObject({ path: certificatesOf([unit, crossed, root]) });
  });
});
