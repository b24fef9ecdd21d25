import { describe, expect, it } from "vitest";
import { leafTbs, makeCa, SERIAL } from "../test/authority.ts";
import { craftedTbsCertList, rawExtension } from "../test/crafted.ts";
import { openssl } from "../test/openssl.ts";
import {
  authorityKeyIdentifier,
  buildTbsCertList,
  crlDistributionPoints,
  crlNumber,
  deltaCrlIndicator,
  expiredCertsOnCrl,
  freshestCrl,
  isSignedBy,
  issuingDistributionPoint,
  OID,
  parseCertificateList,
  parseTbsCertList,
  pemDecode,
  pemEncode,
  REVOCATION_REASONS,
  type RevocationReason,
  type RevokedCertificate,
  sha1KeyIdentifier,
} from "./index.ts";

const malformed = expect.objectContaining({ code: "CRL_MALFORMED" });
const ca = makeCa();
const THIS_UPDATE = new Date("2026-11-01T00:00:00Z");
const NEXT_UPDATE = new Date("2026-11-08T00:00:00Z");

const tbs = (revoked: Iterable<RevokedCertificate>, thisUpdate = THIS_UPDATE, nextUpdate = NEXT_UPDATE) =>
  buildTbsCertList({
    signatureAlgorithm: "ecdsa-p256-sha256",
    issuer: ca.certificate.subject,
    thisUpdate,
    nextUpdate,
    revoked,
    extensions: [authorityKeyIdentifier(sha1KeyIdentifier(ca.spkiDer)), crlNumber(7)],
  });

const serial = (number: number) => Uint8Array.of(1, (number >> 16) & 0xff, (number >> 8) & 0xff, number & 0xff);

describe("CRLs we build", () => {
  const reasons = Object.keys(REVOCATION_REASONS) as RevocationReason[];
  const entries = reasons.map((reason, i) => ({
    serial: serial(i),
    revocationDate: new Date(Date.UTC(2026, 9, 1 + i)),
    reason,
    invalidityDate: i % 2 === 1 ? new Date(Date.UTC(2026, 8, 1 + i)) : undefined,
  }));
  const der = ca.sign(tbs(entries));

  it("are printed and verified by OpenSSL, with reasons but for unspecified", () => {
    const files = { "crl.pem": pemEncode("X509 CRL", der), "ca.pem": pemEncode("CERTIFICATE", ca.certificate.der) };
    const text = openssl(["crl", "-in", "crl.pem", "-CAfile", "ca.pem", "-noout", "-text"], files);
    expect(text).toContain("verify OK");
    expect(text).toMatch(/Version 2 \(0x1\)/);
    expect(text).toMatch(/X509v3 CRL Number: \s+7\n/);
    expect(text.match(/Serial Number: .*/g)).toHaveLength(entries.length);
    expect(text.match(/CRL Reason Code: \s+.*/g)).toHaveLength(entries.length - 1);
    expect(text.match(/Invalidity Date: \s+.*/g)).toHaveLength(entries.filter((e) => e.invalidityDate).length);
    expect(text).toMatch(/CRL Reason Code: \s+Remove From CRL/);
  });

  it("are read as they were built", () => {
    const crl = parseCertificateList(der);
    expect([...crl.revoked()]).toMatchObject(entries);
    expect(crl).toMatchObject({ version: 2, thisUpdate: THIS_UPDATE, nextUpdate: NEXT_UPDATE, crlNumber: 7n });
    expect(crl.signatureAlgorithm).toBe("ecdsa-sha256");
    expect(crl.authorityKeyIdentifier).toEqual(ca.certificate.subjectKeyIdentifier);
    expect(isSignedBy(crl, ca.spkiDer)).toBe(true);
    expect(crl.revokedCount).toBe(entries.length);
    expect(crl.findRevoked("01000001")).toMatchObject({ reason: "keyCompromise", serialHex: "01000001" });
    expect(crl.findRevoked("01000002")?.invalidityDate).toBeUndefined();
    expect(crl.findRevoked("02")).toBeUndefined();
  });

  it("leave the list out when nothing is revoked", () => {
    const empty = ca.sign(tbs([]));
    expect(parseCertificateList(empty)).toMatchObject({ revokedCount: 0 });
    const files = { "crl.pem": pemEncode("X509 CRL", empty) };
    expect(openssl(["crl", "-in", "crl.pem", "-noout", "-text"], files)).toContain("No Revoked Certificates.");
  });

  it("write GeneralizedTime from 2050 on", () => {
    const late = parseTbsCertList(tbs([], new Date("2049-12-31T23:59:59Z"), new Date("2050-01-01T00:00:00Z")));
    expect(late.nextUpdate).toEqual(new Date("2050-01-01T00:00:00Z"));
  });

  it("hold a hundred thousand entries, taken from any iterable", () => {
    function* many() {
      for (let i = 0; i < 100_000; i++)
        yield { serial: serial(i), revocationDate: THIS_UPDATE, reason: "superseded" as const };
    }
    const crl = parseTbsCertList(tbs(many()));
    expect(crl.revokedCount).toBe(100_000);
    expect(crl.findRevoked("0101869f")?.reason).toBe("superseded");
  });
});

describe("a complete CRL and its delta", () => {
  const scope = issuingDistributionPoint({ urls: ["http://a/c.crl"], onlyContainsUserCerts: true });
  const aki = authorityKeyIdentifier(sha1KeyIdentifier(ca.spkiDer));
  const list = (revoked: RevokedCertificate[], ...extensions: Uint8Array[]) =>
    pemEncode(
      "X509 CRL",
      ca.sign(
        buildTbsCertList({
          signatureAlgorithm: "ecdsa-p256-sha256",
          issuer: ca.certificate.subject,
          thisUpdate: THIS_UPDATE,
          nextUpdate: NEXT_UPDATE,
          revoked,
          extensions: [aki, ...extensions, scope],
        }),
      ),
    );
  const complete = (...revoked: RevokedCertificate[]) =>
    list(revoked, crlNumber(7), freshestCrl(["http://a/d.crl"]), expiredCertsOnCrl(THIS_UPDATE));
  const delta = (...revoked: RevokedCertificate[]) => list(revoked, crlNumber(9), deltaCrlIndicator(7));
  const leaf = pemEncode(
    "CERTIFICATE",
    ca.sign(leafTbs(ca, { extensions: { points: crlDistributionPoints(["http://a/c.crl"]) } })),
  );

  /** What OpenSSL says about the leaf; "OK" or its error. */
  function verified(completeCrl: string, deltaCrl: string): string {
    const files = {
      "ca.pem": pemEncode("CERTIFICATE", ca.certificate.der),
      "c.pem": completeCrl,
      "d.pem": deltaCrl,
      "leaf.pem": leaf,
    };
    const time = String(THIS_UPDATE.getTime() / 1000 + 3600);
    const lists = ["-CRLfile", "c.pem", "-CRLfile", "d.pem", "-crl_check", "-use_deltas", "-extended_crl"];
    try {
      return openssl(["verify", "-x509_strict", "-attime", time, "-CAfile", "ca.pem", ...lists, "leaf.pem"], files)
        .trim()
        .replace("leaf.pem: ", "");
    } catch (error) {
      return /lookup: (.*)/.exec((error as { stdout: string }).stdout)?.[1] ?? String(error);
    }
  }

  const at = (reason: RevocationReason): RevokedCertificate => ({
    serial: SERIAL,
    revocationDate: new Date("2026-10-01T00:00:00Z"),
    reason,
    invalidityDate: new Date("2026-09-01T00:00:00Z"),
  });

  it("are read together by OpenSSL: the delta revokes, and releases from hold", () => {
    expect(verified(complete(), delta())).toBe("OK");
    expect(verified(complete(), delta(at("keyCompromise")))).toBe("certificate revoked");
    expect(verified(complete(), delta(at("certificateHold")))).toBe("certificate revoked");
    expect(verified(complete(at("certificateHold")), delta())).toBe("certificate revoked");
    expect(verified(complete(at("certificateHold")), delta(at("removeFromCRL")))).toBe("OK");
  });
});

describe("parseCertificateList", () => {
  it("reads a CRL OpenSSL made", () => {
    const config = `[ca]\ndefault_ca=c\n[c]\ndatabase=index.txt\ncrlnumber=number\ndefault_md=sha384\ndefault_crl_days=30\ncrl_extensions=x
[x]\nauthorityKeyIdentifier=keyid\nissuingDistributionPoint=critical,@idp\n[idp]\nfullname=URI:http://a/c.crl\nonlyuser=TRUE`;
    const index = "R\t360101000000Z\t261001000000Z,keyTime,20260901000000Z\t00FF\tunknown\t/CN=a\n";
    const pem = openssl(["ca", "-gencrl", "-config", "c.cnf", "-cert", "ca.pem", "-keyfile", "k.pem"], {
      "c.cnf": config,
      "index.txt": index,
      number: "10\n",
      "ca.pem": pemEncode("CERTIFICATE", ca.certificate.der),
      "k.pem": ca.privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
    });
    const [der = new Uint8Array()] = pemDecode(pem, "X509 CRL");
    const crl = parseCertificateList(der);
    expect(crl).toMatchObject({ crlNumber: 16n, signatureAlgorithm: "ecdsa-sha384", revokedCount: 1 });
    expect(crl.known.issuingDistributionPoint).toMatchObject({ urls: ["http://a/c.crl"], onlyContainsUserCerts: true });
    expect(crl.findRevoked("ff")).toMatchObject({
      reason: "keyCompromise",
      invalidityDate: new Date("2026-09-01T00:00:00Z"),
    });
    expect(isSignedBy(crl, ca.spkiDer)).toBe(true);
  });

  it("reads version 1 and a list without nextUpdate", () => {
    const crl = parseTbsCertList(craftedTbsCertList(ca.certificate.subject, { version: 1 }));
    expect(crl).toMatchObject({ version: 1, nextUpdate: undefined, revokedCount: 1 });
  });

  it.each([
    ["trailing octets", Uint8Array.from([...tbs([]), 0])],
    [
      "an unknown critical entry extension",
      craftedTbsCertList(ca.certificate.subject, { entryExtension: rawExtension("1.2.3", true, "0500") }),
    ],
    [
      "a reason that does not exist",
      craftedTbsCertList(ca.certificate.subject, { entryExtension: rawExtension(OID.reasonCode, false, "0a0107") }),
    ],
    [
      "a reason of another type",
      craftedTbsCertList(ca.certificate.subject, { entryExtension: rawExtension(OID.reasonCode, false, "020101") }),
    ],
    [
      "an invalidity date as UTCTime",
      craftedTbsCertList(ca.certificate.subject, {
        entryExtension: rawExtension(OID.invalidityDate, false, "170d3236303130313030303030305a"),
      }),
    ],
  ])("refuses %s", (_, tbsDer) => expect(() => parseTbsCertList(tbsDer)).toThrow(malformed));

  it("refuses an empty list of revoked certificates", () => {
    const der = Buffer.from(tbs([])).toString("hex");
    const nextUpdate = Buffer.from("\x17\x0d261108000000Z").toString("hex");
    const withEmpty = new Uint8Array(Buffer.from(der.replace(nextUpdate, `${nextUpdate}3000`), "hex"));
    withEmpty[2] = (withEmpty[2] as number) + 2;
    expect(() => parseTbsCertList(withEmpty)).toThrow(malformed);
  });
});
