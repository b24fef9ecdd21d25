import type { Signer } from "@vcc-pki/signer";
import { createTestHierarchy } from "@vcc-pki/testkit/hierarchy";
import { parseCertificate } from "@vcc-pki/x509";
import { describe, expect, it } from "vitest";
import { LintedTbs, signCertificate } from "./issuer.ts";

const { issuing, issue } = createTestHierarchy();
const { tbsDer } = issue().certificate;
const code = (expected: string) => expect.objectContaining({ code: expected });

/** A signer that hands out what it is told to. */
const signerOf = (sign: (tbs: Uint8Array) => Uint8Array): Signer => ({
  ...{ keyId: "00", organisation: "vcc", spkiDer: issuing.spkiDer, algorithm: "ecdsa-p256-sha256" },
  sign: async (payload) => sign(payload.value),
});
const honest = signerOf((tbs) => parseCertificate(issuing.sign(tbs)).signature);

describe("what is to be signed", () => {
  it("has to pass the lints", () => {
    const foreign = createTestHierarchy().issuing.certificate;
    expect(() => LintedTbs.certificate(tbsDer, foreign)).toThrow(code("LINT_FAILED"));
    expect(LintedTbs.certificate(tbsDer, issuing.certificate).kind).toBe("certificate");
  });

  it("is signed once", async () => {
    const linted = LintedTbs.certificate(tbsDer, issuing.certificate);
    const certificate = await signCertificate(honest, linted, "r", "who");
    expect(certificate.tbsDer).toEqual(tbsDer);
    await expect(signCertificate(honest, linted, "r", "who")).rejects.toThrow("signed before");
  });
});

describe("what comes back", () => {
  it.each<[string, (tbs: Uint8Array) => Uint8Array]>([
    ["a signature over something else", () => parseCertificate(issuing.sign(issue().certificate.tbsDer)).signature],
    ["a signature by another key", (tbs) => parseCertificate(createTestHierarchy().issuing.sign(tbs)).signature],
    ["noise", () => new Uint8Array(70).fill(1)],
  ])("is not believed when it is %s", async (_, sign) => {
    const linted = LintedTbs.certificate(tbsDer, issuing.certificate);
    await expect(signCertificate(signerOf(sign), linted, "r", "who")).rejects.toThrow(code("SIGNATURE_INVALID"));
  });
});
