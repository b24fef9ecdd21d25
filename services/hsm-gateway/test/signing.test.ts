import { KeyPurpose } from "@vcc-pki/proto/hsm";
import { verifySignature } from "@vcc-pki/x509";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type HsmGatewayHarness, newHsmGateway } from "./harness.ts";
import { checkpoint, leafTbs } from "./payloads.ts";

let gateway: HsmGatewayHarness;
beforeEach(async () => {
  gateway = await newHsmGateway();
});
afterEach(() => gateway.close());

describe("signing", () => {
  it("signs a certificate", async () => {
    const key = await gateway.createKey();
    const tbs = leafTbs();
    const signature = await gateway.signer(key).sign({ $case: "tbsCertificate", value: tbs }, "r1");
    expect(verifySignature(key.spkiDer, "ecdsa-p256-sha256", tbs, signature)).toBe(true);
  });
  it("signs a checkpoint", async () => {
    const key = await gateway.createKey({ purpose: KeyPurpose.AUDIT_CHECKPOINT });
    const value = checkpoint();
    const signature = await gateway.signer(key).sign({ $case: "auditCheckpoint", value }, "r1");
    expect(verifySignature(key.spkiDer, "ecdsa-p256-sha256", value, signature)).toBe(true);
  });
});
