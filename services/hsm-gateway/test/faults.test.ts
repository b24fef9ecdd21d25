import { randomUUID } from "node:crypto";
import { type Key, KeyPurpose, KeyState } from "@vcc-pki/proto/hsm";
import { verifySignature } from "@vcc-pki/x509";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Ledger } from "../src/ledger.ts";
import { type HsmGatewayHarness, newHsmGateway } from "./harness.ts";
import { checkpoint, leafTbs } from "./payloads.ts";
import type { ReturnValue } from "./token-faults.ts";

let gateway: HsmGatewayHarness;
beforeEach(async () => {
  gateway = await newHsmGateway({ database: "file" });
});
afterEach(() => gateway.close());

const UNAVAILABLE = { code: "HSM_UNAVAILABLE" };
const crash = () => {
  throw new Error("injected");
};
const failOnce = (point: "beforeCommit" | "afterCommit") => {
  gateway.storeFaults[point] = () => {
    gateway.storeFaults[point] = undefined;
    crash();
  };
};

/** Whatever happened: the chain holds, and each recorded signature verifies under its key for the payload it names. */
const ledger = () => new Ledger(gateway.store, gateway.clock);
const entries = () => ledger().list(0, 1_000);

const sign = (key: Key, value: Uint8Array, requestId: string) =>
  gateway.signer(key).sign({ $case: "auditCheckpoint", value }, requestId);
const newLogKey = () => gateway.createKey({ purpose: KeyPurpose.AUDIT_CHECKPOINT });

describe("a commit that fails", () => {
  it("and stored nothing: no signature is handed out; the repeat makes one", async () => {
    const key = await newLogKey();
    const value = checkpoint();
    failOnce("beforeCommit");
    await expect(sign(key, value, "r-1")).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
    expect(entries()).toEqual([]);
    const signature = await sign(key, value, "r-1");
    expect(entries().map((entry) => Buffer.from(entry.signature))).toEqual([Buffer.from(signature)]);
  });

  it("but stored: the repeat gets the signature that was stored", async () => {
    const key = await newLogKey();
    const value = checkpoint();
    failOnce("afterCommit");
    await expect(sign(key, value, "r-1")).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
    const [stored] = entries();
    expect(Buffer.from(await sign(key, value, "r-1"))).toEqual(Buffer.from(stored?.signature ?? []));
    expect(ledger().verify().sequence).toBe(1);
  });

  it.each(["beforeCommit", "afterCommit"] as const)(
    "%s, among many in flight: each is signed once in the end",
    async (point) => {
      const key = await newLogKey();
      const payloads = Array.from({ length: 100 }, (_, i) => checkpoint(i + 1));
      failOnce(point);
      const repeatedly = async (value: Uint8Array, id: string): Promise<Uint8Array> => {
        try {
          return await sign(key, value, id);
        } catch (error) {
          expect(error).toMatchObject({ code: "STORE_UNAVAILABLE" });
          return repeatedly(value, id);
        }
      };
      const signatures = await Promise.all(payloads.map((value, i) => repeatedly(value, `r-${i}`)));
      for (const [i, value] of payloads.entries()) {
        expect(verifySignature(key.spkiDer, "ecdsa-p256-sha256", value, signatures[i] ?? new Uint8Array())).toBe(true);
      }
      expect(new Set(entries().map(({ requestId }) => requestId)).size).toBe(100);
      expect(ledger().verify().sequence).toBe(100);
    },
  );
});

describe("a token that fails", () => {
  it.each([
    ["ec-p256", "C_Sign"],
    ["ec-p256", "C_SignInit"],
    ["rsa-3072", "C_SignAsync"],
    ["ec-p384", "C_SignInit"],
  ] as const)("once, with a key of kind %s, in %s: nobody notices", async (keyAlgorithm, method) => {
    const key = await gateway.createKey({ purpose: KeyPurpose.AUDIT_CHECKPOINT, keyAlgorithm });
    for (const returnValue of ["DEVICE_REMOVED", "SESSION_HANDLE_INVALID", "USER_NOT_LOGGED_IN"] as ReturnValue[]) {
      gateway.token.fail(method, returnValue);
      await sign(key, checkpoint(), randomUUID());
    }
    expect(entries()).toHaveLength(3);
  });

  it("and stays away: HSM_UNAVAILABLE for all in flight, and the same requests succeed when it is back", async () => {
    const key = await newLogKey();
    const payloads = Array.from({ length: 20 }, (_, i) => checkpoint(i + 1));
    gateway.token.unplug();
    for (const answer of await Promise.allSettled(payloads.map((value, i) => sign(key, value, `r-${i}`)))) {
      expect(answer).toMatchObject({ status: "rejected", reason: UNAVAILABLE });
    }
    expect(await gateway.ready()).toEqual({ token: expect.stringContaining("away") });
    expect(entries()).toEqual([]);
    gateway.token.plugIn();
    gateway.clock.advance(10_000);
    await Promise.all(payloads.map((value, i) => sign(key, value, `r-${i}`)));
    expect(entries()).toHaveLength(20);
    expect(await gateway.ready()).toEqual({ token: true });
  });

  it("is found again without anybody asking for a signature", async () => {
    gateway.token.unplug();
    await vi.waitFor(async () => expect(await gateway.ready()).not.toEqual({ token: true }));
    gateway.token.plugIn();
    gateway.clock.advance(10_000);
    await vi.waitFor(async () => expect(await gateway.ready()).toEqual({ token: true }));
  });

  it("and is away at the start: the gateway starts all the same, and signs when it comes", async () => {
    const key = await newLogKey();
    gateway.token.unplug();
    await gateway.restart();
    await expect(sign(key, checkpoint(), "r-1")).rejects.toMatchObject(UNAVAILABLE);
    gateway.token.plugIn();
    gateway.clock.advance(10_000);
    await sign(key, checkpoint(), "r-1");
  });

  it("that makes a wrong CA signature: it is neither recorded nor handed out", async () => {
    const key = await gateway.createKey();
    gateway.token.spoilSignatures(true);
    const request = () => gateway.signer(key).sign({ $case: "tbsCertificate", value: leafTbs() }, randomUUID());
    await expect(request()).rejects.toMatchObject(UNAVAILABLE);
    expect(entries()).toEqual([]);
    gateway.token.spoilSignatures(false);
    await request();
  });
});

describe("a PIN that the token rejects", () => {
  it("is tried once, and everything waits for a restart", async () => {
    await gateway.close();
    gateway = await newHsmGateway({ pin: "0000-0000", database: "file" });
    await expect(newLogKey()).rejects.toMatchObject({ code: "HSM_PIN_WRONG" });
    gateway.clock.advance(60_000);
    await new Promise((resolve) => setTimeout(resolve, 100)); // a few heartbeats
    await expect(newLogKey()).rejects.toMatchObject({ code: "HSM_PIN_WRONG" });
    expect(gateway.token.calls("C_Login")).toBe(1);
    expect(await gateway.ready()).toEqual({ token: expect.stringContaining("PIN") });
    const logins = gateway.store.audit.read(0, 100).filter(({ action }) => action === "token.login");
    expect(logins).toMatchObject([{ outcome: "failed", code: "HSM_PIN_WRONG" }]);
  });
});

describe("making a key", () => {
  it.each(["C_GenerateKeyPairAsync", "C_GetAttributeValue", "C_SignAsync"] as const)(
    "survives a token that is lost in %s",
    async (method) => {
      gateway.token.fail(method, "DEVICE_REMOVED");
      const key = await newLogKey();
      await sign(key, checkpoint(), "r-1");
    },
  );

  it("that the token refuses leaves nothing behind, and the same request works later", async () => {
    gateway.token.unplug();
    await expect(newKeyFor("k-1")).rejects.toMatchObject(UNAVAILABLE);
    gateway.token.plugIn();
    gateway.clock.advance(10_000);
    const key = await newKeyFor("k-1");
    expect(await newKeyFor("k-1")).toEqual(key);
    expect((await gateway.as("audit").keys.listKeys(page)).keys).toHaveLength(1);
  });

  it("whose fact was not stored is taken back; whose fact was stored is returned", async () => {
    for (const point of ["beforeCommit", "afterCommit"] as const) {
      const failAtFact = (commits = 0) => {
        gateway.storeFaults[point] = () => {
          if (++commits < 2) return; // the intent
          gateway.storeFaults[point] = undefined;
          crash();
        };
      };
      failAtFact();
      await expect(newKeyFor(point)).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
      const key = await newKeyFor(point);
      expect(await newKeyFor(point)).toEqual(key);
    }
    expect((await gateway.as("audit").keys.listKeys(page)).keys).toHaveLength(2);
    expect(privateKeysInToken()).toBe(2);
  });

  it("interrupted by a crash is taken back at the next start", async () => {
    gateway.token.fail("C_SignAsync", "DEVICE_REMOVED", 99);
    gateway.token.fail("C_DestroyObject", "DEVICE_REMOVED", 99);
    await expect(newKeyFor("k-1")).rejects.toMatchObject(UNAVAILABLE);
    gateway.token.clear();
    await gateway.restart();
    expect(privateKeysInToken()).toBe(0);
    const key = await newKeyFor("k-1");
    expect(key.state).toBe(KeyState.ACTIVE);
  });

  const page = { organisation: "brandenburg", pageSize: 0, pageToken: "" };
  const newKeyFor = (requestId: string) => gateway.createKey({ purpose: KeyPurpose.AUDIT_CHECKPOINT, requestId });
});

describe("destroying a key", () => {
  it("that the token does not do: the key signs no more, and the destruction goes through later", async () => {
    const key = await newLogKey();
    const reference = { organisation: "brandenburg", keyId: key.keyId };
    gateway.token.fail("C_DestroyObject", "DEVICE_REMOVED", 2);
    await expect(gateway.as("audit").keys.destroyKey({ ...reference, requestId: "d-1" })).rejects.toMatchObject(
      UNAVAILABLE,
    );
    await expect(sign(key, checkpoint(), "r-1")).rejects.toMatchObject({ code: "KEY_NOT_ACTIVE" });
    gateway.clock.advance(10_000);
    await vi.waitFor(async () => {
      expect((await gateway.as("audit").keys.getKey(reference)).state).toBe(KeyState.DESTROYED);
    });
    expect(privateKeysInToken()).toBe(0);
  });

  it.each(["beforeCommit", "afterCommit"] as const)("whose fact fails %s is finished by the repeat", async (point) => {
    const key = await newLogKey();
    const request = { organisation: "brandenburg", keyId: key.keyId, requestId: "d-1" };
    let commits = 0;
    gateway.storeFaults[point] = () => {
      if (++commits < 2) return;
      gateway.storeFaults[point] = undefined;
      crash();
    };
    await expect(gateway.as("audit").keys.destroyKey(request)).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
    expect((await gateway.as("audit").keys.destroyKey(request)).state).toBe(KeyState.DESTROYED);
    expect(privateKeysInToken()).toBe(0);
  });
});

/** Counted on the token itself. */
function privateKeysInToken(): number {
  return gateway.token.countPrivateKeys();
}
