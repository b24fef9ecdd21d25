import { generateKeyPairSync, verify } from "node:crypto";
import { describe, expect, it } from "vitest";
import { approvalMessage, signDecision } from "./index.ts";

const request = Buffer.from('{"operation":"sign"}');

describe("what a custodian signs", () => {
  it("is a domain of its own, the decision, and the request octet by octet", () => {
    expect(Buffer.from(approvalMessage(request, "approve")).toString()).toBe(
      'vcc-pki-approval-v1\napprove\n{"operation":"sign"}',
    );
    expect(approvalMessage(request, "refuse")).not.toEqual(approvalMessage(request, "approve"));
  });

  it.each([
    ["P-256", generateKeyPairSync("ec", { namedCurve: "prime256v1" }), "sha256"],
    ["Ed25519", generateKeyPairSync("ed25519"), null],
  ] as const)("is signed with a key of kind %s", (_, { publicKey, privateKey }, hash) => {
    const signature = signDecision(privateKey, request, "approve");
    expect(verify(hash, approvalMessage(request, "approve"), publicKey, signature)).toBe(true);
    expect(verify(hash, approvalMessage(request, "refuse"), publicKey, signature)).toBe(false);
  });
});
