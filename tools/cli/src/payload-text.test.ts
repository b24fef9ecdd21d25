import { createTestHierarchy } from "@vcc-pki/testkit/hierarchy";
import { buildTbsCertList, crlNumber } from "@vcc-pki/x509";
import { describe, expect, it } from "vitest";
import { describePayload } from "./payload-text.ts";

const { root, issuing } = createTestHierarchy();

describe("what a custodian reads", () => {
  it("of a certificate: whose, by whom, how long, for which key", () => {
    const entries = new Map(describePayload("tbs-certificate", issuing.certificate.tbsDer));
    expect(entries.get("subject")).toContain("CN=Test Issuing CA");
    expect(entries.get("issuer")).toContain("CN=Test Root CA");
    expect(entries.get("valid to")).toBe(issuing.certificate.notAfter.toISOString());
    expect(entries.get("authority")).toBe("yes, the lowest");
    expect(entries.get("extensions")).toContain("2.5.29.19!");
    expect(entries.get("key")).toMatch(/^ec-p256, identifier [0-9a-f]{40}$/);
    expect(entries.get("sha-256")).toMatch(/^[0-9a-f]{64}$/);
  });

  it("of a CRL: whose, which, and what is on it", () => {
    const thisUpdate = new Date("2026-11-01T00:00:00Z");
    const crl = buildTbsCertList({
      signatureAlgorithm: "ecdsa-p256-sha256",
      issuer: root.certificate.subject,
      thisUpdate,
      nextUpdate: new Date("2026-12-01T00:00:00Z"),
      revoked: [{ serial: Uint8Array.of(0x2a), revocationDate: thisUpdate, reason: "keyCompromise" }],
      extensions: [crlNumber(7)],
    });
    const entries = new Map(describePayload("tbs-cert-list", crl));
    expect([entries.get("number"), entries.get("revoked"), entries.get("entries")]).toEqual([
      "7",
      "1",
      "2a keyCompromise",
    ]);
  });

  it("never takes one structure for another", () => {
    expect(() => describePayload("tbs-cert-list", issuing.certificate.tbsDer)).toThrow(
      expect.objectContaining({ code: "CRL_MALFORMED" }),
    );
    expect(() => describePayload("tbs-certificate", issuing.certificate.der)).toThrow(
      expect.objectContaining({ code: "CERTIFICATE_MALFORMED" }),
    );
  });

  it("says when there is something it cannot show", () => {
    const entries = new Map(describePayload("something-new", Uint8Array.of(1, 2)));
    expect(entries.get("content")).toContain("cannot show");
  });
});
