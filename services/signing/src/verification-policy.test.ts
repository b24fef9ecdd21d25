import { hash } from "node:crypto";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeCa } from "@vcc-pki/x509/test-authority";
import { describe, expect, it } from "vitest";
import { readVerificationPolicies } from "./verification-policy.ts";

const SHIPPED = new URL("../../../deploy/policies/verification.yaml", import.meta.url).pathname;
const authority = makeCa("VCC Code Signing CA").certificate;
const context = {
  ...{ organisation: "brandenburg", trustDomain: "vcc.internal" },
  authorities: new Map([["vcc-code-signing-ca", authority]]),
};
const written = (policy: string) => {
  const file = join(mkdtempSync(join(tmpdir(), "policy-")), "verification.yaml");
  writeFileSync(file, policy);
  return file;
};

describe("a verification policy", () => {
  it("is a relying party's trust policy about the requester's organisation and the suite's authorities", () => {
    expect(readVerificationPolicies(SHIPPED).get("digests", context)).toEqual({
      issuers: [`sha256:${hash("sha256", authority.spkiDer)}`],
      identities: ["spiffe://vcc.internal/org/brandenburg/service/*"],
      ...{ organisation: "brandenburg", types: ["untyped"], revocation: "required", recall: "required" },
    });
  });

  it("may be about another organisation, some of its signers, and risk classes", () => {
    const file = written(
      "policies: {federal: {issuers: [vcc-code-signing-ca, gone-ca], organisation: bund, signers: [clara], types: [lora_adapter], riskClasses: [minimal]}}",
    );
    expect(readVerificationPolicies(file).get("federal", context)).toMatchObject({
      identities: ["spiffe://vcc.internal/org/bund/service/clara"],
      ...{ organisation: "bund", riskClasses: ["minimal"], issuers: [expect.any(String)] },
    });
  });

  it("believes nobody while its authorities are not known", () => {
    const nobody = { ...context, authorities: new Map() };
    expect(readVerificationPolicies(SHIPPED).get("artefacts", nobody).issuers).toEqual([]);
  });

  it.each([
    "policies: {a: {issuers: [], types: [file]}}",
    "policies: {a: {issuers: [x-ca], types: []}}",
    "policies: {a: {issuers: [x-ca], types: [poem]}}",
    "policies: {a: {issuers: [x-ca], types: [file], signers: ['cl*']}}",
    "policies: {a: {issuers: [x-ca], types: [file], recall: where-known}}",
    "policies: {A: {issuers: [x-ca], types: [file]}}",
    "policies: {a: {issuers: [x-ca], types: [file]}, a: {issuers: [y-ca], types: [file]}}",
    "{}",
    "[",
  ])("is not %s", (policy) => {
    expect(() => readVerificationPolicies(written(policy))).toThrow(
      expect.objectContaining({ code: "CONFIG_INVALID" }),
    );
  });

  it.each(["nobody", "constructor", "__proto__"])("of the name %s is not there", (name) => {
    const policies = readVerificationPolicies(SHIPPED);
    expect(() => policies.get(name, context)).toThrow(expect.objectContaining({ code: "NOT_FOUND" }));
  });
});
