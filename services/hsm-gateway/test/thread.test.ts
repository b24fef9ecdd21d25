import { KeyPurpose } from "@vcc-pki/proto/hsm";
import { verifySignature } from "@vcc-pki/x509";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type HsmGatewayHarness, newHsmGateway } from "./harness.ts";
import { checkpoint, leafTbs } from "./payloads.ts";

let gateway: HsmGatewayHarness;
beforeEach(async () => {
  gateway = await newHsmGateway({ thread: true });
});
afterEach(() => gateway.close());

const newLogKey = (keyAlgorithm: "ec-p256" | "ed25519", copyable = false) =>
  gateway.createKey({ purpose: KeyPurpose.AUDIT_CHECKPOINT, keyAlgorithm, policy: { copyable } });

describe("the signing thread", () => {
  it("signs what comes in crowds, for several keys and algorithms at once", async () => {
    const keys = await Promise.all([newLogKey("ec-p256"), newLogKey("ec-p256", true), newLogKey("ed25519")]);
    const before = gateway.token.calls("C_Sign");
    const jobs = Array.from({ length: 300 }, (_, i) => ({
      key: keys[i % 3] as (typeof keys)[0],
      value: checkpoint(i),
    }));
    const signatures = await Promise.all(
      jobs.map(({ key, value }, i) => gateway.signer(key).sign({ $case: "auditCheckpoint", value }, `r-${i}`)),
    );
    for (const [i, { key, value }] of jobs.entries()) {
      const algorithm = key.keyAlgorithm === "ed25519" ? "ed25519" : "ecdsa-p256-sha256";
      expect(verifySignature(key.spkiDer, algorithm, value, signatures[i] ?? new Uint8Array())).toBe(true);
    }
    expect(gateway.token.calls("C_Sign"), "none on the event loop").toBe(before);
  });

  it("verifies what it signs for certification authorities", async () => {
    const key = await gateway.createKey();
    const before = gateway.token.calls("C_Sign");
    const payloads = Array.from({ length: 100 }, () => leafTbs());
    const signatures = await Promise.all(
      payloads.map((value, i) => gateway.signer(key).sign({ $case: "tbsCertificate", value }, `r-${i}`)),
    );
    for (const [i, value] of payloads.entries()) {
      expect(verifySignature(key.spkiDer, "ecdsa-p256-sha256", value, signatures[i] ?? new Uint8Array())).toBe(true);
    }
    expect(gateway.token.calls("C_Sign"), "none on the event loop").toBe(before);
  });

  it("leaves what comes alone to the event loop", async () => {
    const key = await newLogKey("ec-p256");
    const before = gateway.token.calls("C_Sign");
    await gateway.signer(key).sign({ $case: "auditCheckpoint", value: checkpoint() }, "r-1");
    expect(gateway.token.calls("C_Sign")).toBe(before + 1);
  });

  it("reports a key that is gone from the token, and the others sign on", async () => {
    const gone = await newLogKey("ec-p256");
    const signAll = async (key: typeof gone, prefix: string) =>
      Promise.allSettled(
        Array.from({ length: 50 }, (_, i) =>
          gateway.signer(key).sign({ $case: "auditCheckpoint", value: checkpoint(i) }, `${prefix}-${i}`),
        ),
      );
    expect((await signAll(gone, "a")).every(({ status }) => status === "fulfilled")).toBe(true);
    gateway.token.destroyPrivateKeys();
    for (const answer of await signAll(gone, "b")) {
      expect(answer).toMatchObject({ status: "rejected", reason: { code: "HSM_UNAVAILABLE" } });
    }
    const other = await newLogKey("ec-p256");
    expect((await signAll(other, "c")).every(({ status }) => status === "fulfilled")).toBe(true);
  });

  it("is home before the module is finalised under it", async () => {
    const key = await newLogKey("ec-p256");
    const signing = Promise.allSettled(
      Array.from({ length: 500 }, (_, i) =>
        gateway.signer(key).sign({ $case: "auditCheckpoint", value: checkpoint(i) }, `r-${i}`),
      ),
    );
    for (let i = 0; i < 5; i++) {
      await new Promise((resolve) => setImmediate(resolve));
      gateway.token.fail("C_GetSessionInfo", "SESSION_HANDLE_INVALID"); // at the next heartbeat
    }
    expect((await signing).every(({ status }) => status === "fulfilled")).toBe(true);
  });
});
