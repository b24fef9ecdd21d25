import { silentLogger } from "@vcc-pki/telemetry";
import { fakeClock } from "@vcc-pki/testkit/clock";
import { createTestToken, type TestToken } from "@vcc-pki/testkit/token";
import {
  fitsKey,
  KEY_ALGORITHMS,
  type KeyAlgorithmId,
  keyAlgorithmOf,
  SIGNATURE_ALGORITHMS,
  type SignatureAlgorithmId,
  verifySignature,
} from "@vcc-pki/x509";
import pkcs11js from "pkcs11js";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { createKeyPair, destroyKeyPair, evictKey, privateKeyOf, signNow, signOnPool } from "./key-pair.ts";
import { WrongSignatureError } from "./mechanisms.ts";
import { loadPkcs11 } from "./pkcs11.ts";
import { SigningThread } from "./signing-thread.ts";
import { type Connection, Token } from "./token.ts";

let testToken: TestToken;
let token: Token;
let connection: Connection;
let nextId = 0;

beforeAll(async () => {
  testToken = createTestToken();
  const { modulePath, confPath, tokenLabel, pinFile } = testToken;
  const pkcs11 = loadPkcs11({ module: modulePath, environment: { SOFTHSM2_CONF: confPath } });
  token = new Token({ pkcs11, label: tokenLabel, pinFile, poolSize: 2, clock: fakeClock(), log: silentLogger });
  connection = await token.connect();
});

afterAll(async () => {
  await token.close();
  testToken.destroy();
});

const algorithmsFor = (keyAlgorithm: KeyAlgorithmId): SignatureAlgorithmId[] =>
  (Object.keys(SIGNATURE_ALGORITHMS) as SignatureAlgorithmId[]).filter((id) => fitsKey(id, keyAlgorithm));

async function newKey(keyAlgorithm: KeyAlgorithmId, copyable = false) {
  const keyId = (++nextId).toString(16).padStart(32, "0");
  const signatureAlgorithms = algorithmsFor(keyAlgorithm);
  const specification = { keyId, label: `key ${nextId}`, keyAlgorithm, signatureAlgorithms, copyable };
  return { keyId, signatureAlgorithms, spkiDer: await createKeyPair(connection, specification) };
}

describe("key pairs in the token", () => {
  it.each(Object.keys(KEY_ALGORITHMS) as KeyAlgorithmId[])("%s signs with every algorithm that fits it", async (id) => {
    const { keyId, signatureAlgorithms, spkiDer } = await newKey(id);
    expect(keyAlgorithmOf(spkiDer)).toBe(id);
    expect(signatureAlgorithms.length).toBeGreaterThan(0);
    const handle = privateKeyOf(connection, keyId, false);
    for (const algorithm of signatureAlgorithms) {
      const data = Buffer.from(`to be signed with ${algorithm}`);
      for (const signature of [
        signNow(connection, handle, algorithm, data),
        await signOnPool(connection, handle, algorithm, data),
      ]) {
        expect(verifySignature(spkiDer, algorithm, data, signature), algorithm).toBe(true);
        expect(verifySignature(spkiDer, algorithm, Buffer.from("other"), signature), algorithm).toBe(false);
      }
    }
  });

  it("gives nothing of the private key away, cannot be loosened, copied or used otherwise", async () => {
    const { keyId } = await newKey("ec-p256");
    const { pkcs11, loop } = connection;
    const handle = privateKeyOf(connection, keyId, false);
    expect(() => pkcs11.C_GetAttributeValue(loop, handle, [{ type: pkcs11js.CKA_VALUE }])).toThrow(
      "CKR_ATTRIBUTE_SENSITIVE",
    );
    expect(() => pkcs11.C_CopyObject(loop, handle, [{ type: pkcs11js.CKA_TOKEN, value: false }])).toThrow();
    const set = new pkcs11js.PKCS11();
    set.load(testToken.modulePath);
    for (const type of [pkcs11js.CKA_EXTRACTABLE, pkcs11js.CKA_DECRYPT, pkcs11js.CKA_DERIVE]) {
      expect(() => set.C_SetAttributeValue(loop, handle, [{ type, value: true }])).toThrow();
    }
    expect(() => set.C_DecryptInit(loop, { mechanism: pkcs11js.CKM_RSA_PKCS }, handle)).toThrow();
    expect(() => pkcs11.C_SignInit(loop, { mechanism: pkcs11js.CKM_ECDSA_SHA1 }, handle)).toThrow();
  });

  it("signs through a session copy only for a copyable key, and the copy is gone once evicted", async () => {
    const { keyId, spkiDer } = await newKey("ec-p256", true);
    const handle = privateKeyOf(connection, keyId, true);
    const data = Buffer.from("copied");
    expect(
      verifySignature(spkiDer, "ecdsa-p256-sha256", data, signNow(connection, handle, "ecdsa-p256-sha256", data)),
    ).toBe(true);
    expect(isTokenObject(handle)).toBe(false);
    evictKey(connection, keyId);
    expect(() => signNow(connection, handle, "ecdsa-p256-sha256", data)).toThrow(/CKR_(OBJECT|KEY)_HANDLE_INVALID/);
  });

  it("destroys both halves, and does no harm the second time", async () => {
    const { keyId } = await newKey("ec-p256");
    destroyKeyPair(connection, keyId);
    destroyKeyPair(connection, keyId);
    expect(() => privateKeyOf(connection, keyId, false)).toThrow(expect.objectContaining({ code: "HSM_UNAVAILABLE" }));
  });

  it("refuses to make a second key with the same id", async () => {
    const { keyId } = await newKey("ec-p256");
    const specification = {
      keyId,
      label: "again",
      keyAlgorithm: "ec-p256",
      signatureAlgorithms: ["ecdsa-p256-sha256"],
      copyable: false,
    } as const;
    await expect(createKeyPair(connection, specification)).rejects.toThrow("CKA_ID is taken");
    privateKeyOf(connection, keyId, false);
  });
});

function isTokenObject(handle: Buffer): boolean {
  const [attribute] = connection.pkcs11.C_GetAttributeValue(connection.loop, handle, [{ type: pkcs11js.CKA_TOKEN }]);
  return attribute?.value[0] === 1;
}

const DATA = Buffer.from("data");

describe("signatures that a thread makes and verifies", () => {
  it.each(["ec-p256", "ed25519"] as const)("come back for %s unless they are not this key's", async (keyAlgorithm) => {
    const algorithm = keyAlgorithm === "ed25519" ? "ed25519" : "ecdsa-p256-sha256";
    const [key, other] = [await newKey(keyAlgorithm), await newKey(keyAlgorithm)];
    const thread = new SigningThread(testToken.modulePath);
    const data = [1, 2, 3].map((length) => Buffer.alloc(length * 300, length));
    const sign = (verifyWith: Uint8Array) =>
      connection.pool.use((session) =>
        thread.sign(session, privateKeyOf(connection, key.keyId, false), algorithm, data, verifyWith),
      );
    for (const [i, signature] of (await sign(key.spkiDer)).entries()) {
      expect(verifySignature(key.spkiDer, algorithm, data[i] ?? Buffer.alloc(0), signature as Uint8Array)).toBe(true);
    }
    for (const outcome of await sign(other.spkiDer)) expect(outcome).toBeInstanceOf(WrongSignatureError);
    await thread.close();
  });

  it("come from a new thread when the one before had nothing to do", async () => {
    const key = await newKey("ec-p256");
    const thread = new SigningThread(testToken.modulePath, { idleMs: 20 });
    const sign = () =>
      connection.pool.use((session) =>
        thread.sign(
          session,
          privateKeyOf(connection, key.keyId, false),
          "ecdsa-p256-sha256",
          [Buffer.from("data")],
          key.spkiDer,
        ),
      );
    for (let round = 0; round < 3; round++) {
      const [signature] = await sign();
      expect(verifySignature(key.spkiDer, "ecdsa-p256-sha256", DATA, signature as Uint8Array)).toBe(true);
      expect(thread.isRunning).toBe(true);
      await vi.waitUntil(() => !thread.isRunning);
    }
    await thread.close();
  });
});
