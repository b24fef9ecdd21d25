import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isSignedBy, lintTbsCertificate, OID } from "@vcc-pki/x509";
import { describe, expect, it } from "vitest";
import { fakeClock } from "./clock.ts";
import { createTestHierarchy, generateTestKey } from "./hierarchy.ts";

/** What `openssl verify -x509_strict` says about a chain at a time. */
function verify(trustPem: string, chainPem: string, at: Date): string {
  const directory = mkdtempSync(join(tmpdir(), "hierarchy-"));
  try {
    writeFileSync(join(directory, "trust.pem"), trustPem);
    writeFileSync(join(directory, "chain.pem"), chainPem);
    const seconds = String(Math.floor(at.getTime() / 1000));
    const args = ["verify", "-x509_strict", "-attime", seconds, "-CAfile", "trust.pem", "-untrusted", "chain.pem"];
    return execFileSync("openssl", [...args, "chain.pem"], { cwd: directory, encoding: "utf8" });
  } finally {
    rmSync(directory, { recursive: true });
  }
}

describe("createTestHierarchy", () => {
  it.each(["ec-p256", "ec-p384", "ed25519"] as const)(
    "makes chains of %s keys that OpenSSL accepts",
    (keyAlgorithm) => {
      const clock = fakeClock();
      const hierarchy = createTestHierarchy({ clock, keyAlgorithm });
      const leaf = hierarchy.issue({ subjectAltNames: { uri: ["spiffe://vcc.internal/pki/ca"] } });
      expect(verify(hierarchy.trustPem, leaf.chainPem, clock.now())).toContain("OK");
      expect(leaf.certificate.keyAlgorithm).toBe(keyAlgorithm);
    },
  );

  it("passes the lints it is there to test against", () => {
    const { root, issuing, issue } = createTestHierarchy();
    expect(lintTbsCertificate(root.certificate.tbsDer, undefined)).toEqual([]);
    expect(lintTbsCertificate(issuing.certificate.tbsDer, root.certificate)).toEqual([]);
    expect(lintTbsCertificate(issue().certificate.tbsDer, issuing.certificate)).toEqual([]);
  });

  it("gives chains of any depth, without the root", () => {
    const clock = fakeClock();
    const { root, trustPem } = createTestHierarchy({ clock });
    const deep = root.issueAuthority("Middle CA", 1).issueAuthority("Low CA", 0).issue();
    expect(deep.chainPem.match(/BEGIN/g)).toHaveLength(3);
    expect(verify(trustPem, deep.chainPem, clock.now())).toContain("OK");
    expect(root.issue().chainPem.match(/BEGIN/g)).toHaveLength(1);
  });

  it("lets a test choose key, purposes and validity", () => {
    const { issuing } = createTestHierarchy();
    const key = generateTestKey("rsa-3072");
    const notAfter = new Date("2026-11-02T00:00:00Z");
    const { certificate } = issuing.issue({ key, notAfter, extendedKeyUsages: [OID.codeSigning] });
    expect(certificate).toMatchObject({ keyAlgorithm: "rsa-3072", notAfter, extendedKeyUsages: [OID.codeSigning] });
    expect(isSignedBy(certificate, issuing.spkiDer)).toBe(true);
  });
});
