import { KeyPurpose } from "@vcc-pki/proto/hsm";
import { verifySignature } from "@vcc-pki/x509";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { type HsmGatewayHarness, newHsmGateway } from "./harness.ts";
import { checkpoint } from "./payloads.ts";

let gateway: HsmGatewayHarness;
beforeEach(async () => {
  gateway = await newHsmGateway({ probeEvery: 2_000 });
});
afterEach(() => gateway.close());

it("a copyable key signs through a session copy, and not once its original is gone from the token", async () => {
  const key = await gateway.createKey({ purpose: KeyPurpose.AUDIT_CHECKPOINT, policy: { copyable: true } });
  const value = checkpoint();
  const sign = (id: string) => gateway.signer(key).sign({ $case: "auditCheckpoint", value }, id);
  expect(verifySignature(key.spkiDer, "ecdsa-p256-sha256", value, await sign("r-1"))).toBe(true);
  expect(gateway.token.calls("C_CopyObject")).toBe(1);
  await sign("r-2");
  expect(gateway.token.calls("C_CopyObject")).toBe(1);

  gateway.token.destroyPrivateKeys(); // as another process with the PIN could
  await sign("r-3"); // the copy lives on, as PKCS#11 has it
  const isCopyGone = () => expect(gateway.token.calls("C_DestroyObject")).toBeGreaterThan(0);
  await vi.waitFor(isCopyGone, { timeout: 10_000 }); // until the next heartbeat
  await expect(sign("r-4")).rejects.toMatchObject({ code: "HSM_UNAVAILABLE" });
});

it("a key is not copyable unless its policy says so", async () => {
  const key = await gateway.createKey({ purpose: KeyPurpose.AUDIT_CHECKPOINT });
  await gateway.signer(key).sign({ $case: "auditCheckpoint", value: checkpoint() }, "r-1");
  expect(gateway.token.calls("C_CopyObject")).toBe(0);
});
