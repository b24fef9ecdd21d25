import { hash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { NOT_BEFORE, type TestCa } from "../../test/authority.ts";
import { type ListFields, makeIssuer, makeList, makeUnit, type Party, signedBy } from "../../test/chain.ts";
import { rawExtension } from "../../test/crafted.ts";
import { makeResponder } from "../../test/responder.ts";
import {
  buildCertId,
  type CertificateList,
  type CertStatus,
  crlDistributionPoints,
  crlNumber,
  deltaCrlIndicator,
  expiredCertsOnCrl,
  issuerHashes,
  issuingDistributionPoint,
  keyUsage,
  type OcspResponse,
  OID,
  ocspArchiveCutoff,
  parseKeyBlocklist,
  parseOcspResponse,
  type RevocationEvidence,
  type RevocationReason,
  type RevokedCertificate,
  revocationAt,
} from "../index.ts";

const DAY = 86_400_000;
const AT = new Date("2026-11-10T12:00:00Z");
const days = (count: number) => new Date(AT.getTime() + count * DAY);

const ca = makeIssuer("CA");
const POINT = "http://crl.vcc.internal/1.crl";
const unit = makeUnit(ca, { notAfter: days(100), extensions: { points: crlDistributionPoints([POINT]) } });
const { serial } = unit.certificate;

const statusAt = (evidence: RevocationEvidence, at = AT, issuer: Party = ca) =>
  revocationAt(unit.certificate, issuer.certificate, at, evidence);

/** A list of the days from `from` to `to`, counted from AT. */
const list = (from: number, to: number, entry?: Partial<RevokedCertificate>, fields: ListFields = {}) =>
  makeList(ca, {
    thisUpdate: days(from),
    nextUpdate: days(to),
    revoked: entry ? [{ serial, revocationDate: days(-5), ...entry }] : [],
    ...fields,
  });

const byList = (...crls: CertificateList[]) => statusAt({ crls }).status;
const scope = (fields: Parameters<typeof issuingDistributionPoint>[0]) => ({
  extensions: { scope: issuingDistributionPoint(fields) },
});

describe("a list says that a certificate is good", () => {
  it("when it covers the time, or was issued after it", () => {
    const crl = list(-1, 1);
    expect(statusAt({ crls: [crl] })).toEqual({ status: "good", source: { kind: "crl", crl } });
    expect(byList(list(0, 7))).toBe("good");
    expect(byList(list(50, 57))).toBe("good");
    expect(byList(list(-8, -1))).toBe("unknown");
  });

  it("when the newest that does is taken", () => {
    const crls = [list(-1, 6), list(5, 12), list(1, 8)];
    expect(statusAt({ crls })).toMatchObject({ source: { crl: crls[1] } });
  });

  it("but not one that is dated after the present", () => {
    expect(statusAt({ crls: [list(5, 12)], now: days(4) }).status).toBe("unknown");
    expect(statusAt({ crls: [list(5, 12)], now: days(5) }).status).toBe("good");
  });

  it("but not after the certificate has expired, unless such certificates stay on it", () => {
    const keeping = (since: number) => ({ extensions: { kept: expiredCertsOnCrl(days(since)) } });
    expect(byList(list(100, 107))).toBe("good");
    expect(byList(list(101, 108))).toBe("unknown");
    expect(byList(list(101, 108, undefined, keeping(100)))).toBe("good");
    expect(byList(list(101, 108, undefined, keeping(101)))).toBe("unknown");
  });

  it.each<[string, ListFields, string]>([
    ["for end entities", scope({ onlyContainsUserCerts: true }), "good"],
    ["for CAs", scope({ onlyContainsCaCerts: true }), "unknown"],
    ["for the certificate's distribution point", scope({ urls: ["http://a/", POINT] }), "good"],
    ["for another distribution point", scope({ urls: ["http://a/"] }), "unknown"],
    [
      "for a distribution point that is a directory name",
      crafted("3019a017a015a4133011310f300d06035504030c06706f696e7431"),
      "unknown",
    ],
    ["for some reasons", crafted("300483020640"), "unknown"],
    ["for other CAs' certificates, too", crafted("30038401ff"), "unknown"],
    ["for attribute certificates", crafted("30038501ff"), "unknown"],
    ["without number", { extensions: { crlNumber: new Uint8Array() } }, "unknown"],
    ["with a critical number", { extensions: { crlNumber: rawExtension(OID.cRLNumber, true, "020107") } }, "unknown"],
    ["with an unknown critical extension", { extensions: { x: rawExtension("1.2.3", true, "0500") } }, "unknown"],
    ["that is a delta", { extensions: { delta: deltaCrlIndicator(6) } }, "unknown"],
  ])("%s: in scope or not", (_, fields, expected) => expect(byList(list(-1, 1, undefined, fields))).toBe(expected));

  it("if it is the issuer's own", () => {
    const namesake = makeIssuer("CA");
    expect(statusAt({ crls: [list(-1, 1)] }, AT, namesake).status).toBe("unknown");
    expect(byList(makeList(makeIssuer("Other"), { thisUpdate: days(-1), nextUpdate: days(1) }))).toBe("unknown");
    const mute = makeIssuer("CA", { key: ca, extensions: { keyUsage: keyUsage(["keyCertSign"]) } });
    expect(statusAt({ crls: [list(-1, 1)] }, AT, mute).status).toBe("unknown");
  });
});

/** issuingDistributionPoint with a value that this library does not write. */
function crafted(valueHex: string): ListFields {
  return { extensions: { scope: rawExtension(OID.issuingDistributionPoint, true, valueHex) } };
}

describe("a revocation counts", () => {
  const revokedAfter = (reason: RevocationReason, invalidityDate?: Date) =>
    byList(list(6, 13, { revocationDate: days(5), reason, ...(invalidityDate && { invalidityDate }) }));

  it.each<RevocationReason>(["unspecified", "keyCompromise", "superseded", "certificateHold", "privilegeWithdrawn"])(
    "from its date on: %s",
    (reason) => {
      expect(byList(list(-1, 6, { revocationDate: AT, reason }))).toBe("revoked");
      expect(byList(list(6, 13, { reason }))).toBe("revoked");
    },
  );

  it.each<[RevocationReason, string]>([
    ["unspecified", "revoked"],
    ["keyCompromise", "revoked"],
    ["cACompromise", "revoked"],
    ["aACompromise", "revoked"],
    ["affiliationChanged", "good"],
    ["superseded", "good"],
    ["cessationOfOperation", "good"],
    ["certificateHold", "good"],
    ["privilegeWithdrawn", "good"],
  ])("before its date or not: %s", (reason, expected) => expect(revokedAfter(reason)).toBe(expected));

  it("since the key was compromised, if that is known", () => {
    expect(revokedAfter("keyCompromise", days(1))).toBe("good");
    expect(revokedAfter("keyCompromise", AT)).toBe("revoked");
    expect(revokedAfter("superseded", days(-1))).toBe("revoked");
  });

  it("with its date, reason and invalidity date", () => {
    const entry = { revocationDate: days(-2), reason: "keyCompromise", invalidityDate: days(-3) } as const;
    expect(statusAt({ crls: [list(-1, 1, entry)] })).toMatchObject({ status: "revoked", ...entry });
  });

  it("on a delta list, on one that has run out, and on one for other certificates", () => {
    const delta = { extensions: { number: crlNumber(9), crlNumber: new Uint8Array(), delta: deltaCrlIndicator(6) } };
    expect(byList(list(-1, 6), list(0, 1, {}, delta))).toBe("revoked");
    expect(byList(list(-20, -13, { revocationDate: days(-21), reason: "superseded" }), list(-1, 6))).toBe("revoked");
    expect(byList(list(-1, 6, {}, scope({ urls: ["http://a/"] })))).toBe("revoked");
  });

  it("until a hold is released, which a delta does not do", () => {
    const hold = { revocationDate: days(-5), reason: "certificateHold" } as const;
    const held = list(-4, -2, hold);
    expect(byList(held)).toBe("revoked"); // nothing says that it ended
    expect(byList(held, list(-1, 6))).toBe("good");
    expect(byList(held, list(-5, 2))).toBe("revoked"); // older than the hold
    expect(byList(list(-4, 3, hold), list(1, 8))).toBe("revoked"); // held at the time
    const released = { extensions: { delta: deltaCrlIndicator(7) } };
    const release = list(-1, 0.5, { reason: "removeFromCRL" }, released);
    expect(byList(list(-4, 3, hold), release)).toBe("revoked");
    expect(byList(list(-0.5, 3), release)).toBe("good");
    expect(byList(release)).toBe("unknown");
  });

  it("when several do, as the earliest says", () => {
    const crls = [list(2, 9, { revocationDate: days(-1) }), list(2, 9, { revocationDate: days(-3) })];
    expect(statusAt({ crls })).toMatchObject({ revocationDate: days(-3), source: { crl: crls[1] } });
  });
});

describe("an OCSP response", () => {
  const testCa: TestCa = { ...ca, sign: (tbsDer) => signedBy(ca, tbsDer) };
  const responder = makeResponder(testCa, { notBefore: days(-10), notAfter: days(200) });
  const certId = buildCertId(issuerHashes(ca.certificate).sha256, serial);
  const GOOD: CertStatus = { status: "good" };

  const answer = (
    from: number,
    to: number,
    status: CertStatus = GOOD,
    by = responder,
    extensions: Uint8Array[] = [],
  ): OcspResponse =>
    parseOcspResponse(
      by.answer({
        producedAt: days(from),
        responses: [{ certIdDer: certId, ...status, thisUpdate: days(from), nextUpdate: days(to), extensions }],
      }),
    );
  const byAnswer = (...ocspResponses: OcspResponse[]) => statusAt({ ocspResponses }).status;
  const revoked = (date: Date, reason: RevocationReason): CertStatus => ({
    ...{ status: "revoked", revocationTime: date, reason },
  });

  it("is good for its time and before, as long as the certificate lives", () => {
    expect(byAnswer(answer(-0.5, 0.5))).toBe("good");
    expect(byAnswer(answer(50, 51))).toBe("good");
    expect(byAnswer(answer(-2, -1))).toBe("unknown");
    expect(byAnswer(answer(101, 102))).toBe("unknown");
    expect(byAnswer(answer(101, 102, GOOD, responder, [ocspArchiveCutoff(NOT_BEFORE)]))).toBe("good");
    expect(byAnswer(answer(101, 102, GOOD, responder, [ocspArchiveCutoff(days(101))]))).toBe("unknown");
  });

  it("names its responder", () => {
    const response = answer(-0.5, 0.5);
    expect(statusAt({ ocspResponses: [response] })).toEqual({
      status: "good",
      source: { kind: "ocsp", response, responder: responder.certificate },
    });
  });

  it("revokes as a list does", () => {
    expect(byAnswer(answer(-0.5, 0.5, revoked(days(-1), "superseded")))).toBe("revoked");
    expect(byAnswer(answer(6, 7, revoked(days(5), "superseded")))).toBe("good");
    expect(byAnswer(answer(6, 7, revoked(days(5), "keyCompromise")))).toBe("revoked");
  });

  it("outweighs a list that is good, and the reverse", () => {
    const ocspResponses = [answer(-0.5, 0.5, revoked(days(-1), "superseded"))];
    expect(statusAt({ crls: [list(-1, 6)], ocspResponses }).status).toBe("revoked");
    expect(statusAt({ crls: [list(-1, 6, {})], ocspResponses: [answer(-0.5, 0.5)] }).status).toBe("revoked");
  });

  it("takes the date of compromise from the list that has it", () => {
    const entry = { revocationDate: days(5), reason: "keyCompromise", invalidityDate: days(3) } as const;
    const ocspResponses = [answer(6, 7, revoked(days(5), "keyCompromise"))];
    expect(statusAt({ crls: [list(6, 13, entry)], ocspResponses }).status).toBe("good");
    expect(statusAt({ crls: [list(6, 13, entry)], ocspResponses }, days(3)).status).toBe("revoked");
  });

  it("proves nothing without the certificate in it, from nobody, or in error", () => {
    const other = makeUnit(ca);
    const { status } = revocationAt(other.certificate, ca.certificate, AT, { ocspResponses: [answer(-0.5, 0.5)] });
    expect(status).toBe("unknown");
    expect(byAnswer(answer(-0.5, 0.5, { status: "unknown" }))).toBe("unknown");
    expect(byAnswer({ responseStatus: "tryLater" })).toBe("unknown");
    const stranger = makeIssuer("CA");
    const impostor = makeResponder({ ...stranger, sign: (tbsDer) => signedBy(stranger, tbsDer) });
    expect(byAnswer(answer(-0.5, 0.5, revoked(days(-1), "superseded"), impostor))).toBe("unknown");
  });

  it("is looked at as of when it was made, also after its responder has expired", () => {
    const brief = makeResponder(testCa, { notBefore: days(-1), notAfter: days(1) });
    expect(statusAt({ ocspResponses: [answer(0, 7, GOOD, brief)] }, days(3)).status).toBe("good");
    expect(byAnswer(answer(2, 7, GOOD, brief))).toBe("unknown");
  });

  it("by a responder that may be revoked is good only with a list that shows it is not", () => {
    const extensions = { noCheck: new Uint8Array(), points: crlDistributionPoints(["http://crl.vcc.internal/2.crl"]) };
    const checked = makeResponder(testCa, { extensions });
    const responders = (revokedCertificates: readonly RevokedCertificate[]) =>
      list(-1, 1, undefined, { revoked: revokedCertificates, ...scope({ urls: ["http://crl.vcc.internal/2.crl"] }) });
    const ocspResponses = [answer(-0.5, 0.5, GOOD, checked)];
    expect(statusAt({ ocspResponses }).status).toBe("unknown");
    expect(statusAt({ ocspResponses, crls: [responders([])] }).status).toBe("good");
    const entry = { serial: checked.certificate.serial, revocationDate: days(-1) };
    expect(statusAt({ ocspResponses, crls: [responders([entry])] }).status).toBe("unknown");
    expect(byAnswer(answer(-0.5, 0.5, revoked(days(-1), "superseded"), checked))).toBe("revoked");
  });

  it("by a responder whose key is refused proves nothing", () => {
    const blocklist = parseKeyBlocklist(hash("sha256", responder.spkiDer));
    expect(statusAt({ ocspResponses: [answer(-0.5, 0.5)], keys: { blocklist } }).status).toBe("unknown");
  });
});
