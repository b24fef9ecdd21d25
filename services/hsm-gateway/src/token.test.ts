import { chmodSync, renameSync, writeFileSync } from "node:fs";
import { silentLogger } from "@vcc-pki/telemetry";
import { type FakeClock, fakeClock } from "@vcc-pki/testkit/clock";
import { createTestToken, type TestToken } from "@vcc-pki/testkit/token";
import { verifySignature } from "@vcc-pki/x509";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type FaultyPkcs11, faultyPkcs11, type ReturnValue } from "../test/token-faults.ts";
import { createKeyPair, type KeyPairSpecification, privateKeyOf, signNow, signOnPool } from "./key-pair.ts";
import { loadPkcs11 } from "./pkcs11.ts";
import { type Connection, Token } from "./token.ts";

const KEY: KeyPairSpecification = {
  ...{ keyId: "01".repeat(16), label: "key", keyAlgorithm: "ec-p256", copyable: false },
  signatureAlgorithms: ["ecdsa-p256-sha256"],
};
const DATA = Buffer.from("data");

let testToken: TestToken;
let faulty: FaultyPkcs11;
let clock: FakeClock;
let token: Token;

const newToken = (): Token =>
  new Token({
    ...{ pkcs11: faulty.pkcs11, label: testToken.tokenLabel, pinFile: testToken.pinFile },
    ...{ poolSize: 2, clock, log: silentLogger },
  });

beforeEach(() => {
  testToken = createTestToken();
  clock = fakeClock();
  faulty = faultyPkcs11(
    loadPkcs11({ module: testToken.modulePath, environment: { SOFTHSM2_CONF: testToken.confPath } }),
  );
  token = newToken();
});

afterEach(async () => {
  faulty.plugIn();
  await token.close();
  testToken.destroy();
});

const sign = (connection: Connection): Uint8Array =>
  signNow(connection, privateKeyOf(connection, KEY.keyId, false), "ecdsa-p256-sha256", DATA);

describe("a token that fails and comes back", () => {
  const lost: ReturnValue[] = [
    ...([
      "DEVICE_REMOVED",
      "DEVICE_ERROR",
      "SESSION_HANDLE_INVALID",
      "SESSION_CLOSED",
      "OBJECT_HANDLE_INVALID",
    ] as const),
    ...(["KEY_HANDLE_INVALID", "USER_NOT_LOGGED_IN", "TOKEN_NOT_PRESENT", "CRYPTOKI_NOT_INITIALIZED"] as const),
    ...(["GENERAL_ERROR", "OPERATION_ACTIVE"] as const),
  ];

  it.each(lost)("signs after CKR_%s on a new connection", async (returnValue) => {
    const spkiDer = await token.run((connection) => createKeyPair(connection, KEY));
    faulty.fail("C_Sign", returnValue);
    const signature = await token.run(sign);
    expect(verifySignature(spkiDer, "ecdsa-p256-sha256", DATA, signature)).toBe(true);
    expect(faulty.calls("C_Login")).toBe(2);
  });

  it("answers HSM_UNAVAILABLE while it is away and logs in again when it is back", async () => {
    const spkiDer = await token.run((connection) => createKeyPair(connection, KEY));
    faulty.unplug();
    await expect(token.run(sign)).rejects.toMatchObject({ code: "HSM_UNAVAILABLE" });
    expect(token.state).toBe("away");
    faulty.plugIn();
    await expect(token.run(sign), "waits before the next attempt").rejects.toMatchObject({ code: "HSM_UNAVAILABLE" });
    clock.advance(10_000);
    const signature = await token.run(sign);
    expect(verifySignature(spkiDer, "ecdsa-p256-sha256", DATA, signature)).toBe(true);
    expect(token.state).toBe("connected");
  });

  it("is noticed by the probe, without a caller's help", async () => {
    await token.connect();
    faulty.fail("C_GetSessionInfo", "SESSION_HANDLE_INVALID");
    token.probe();
    expect(token.state).toBe("away");
    await token.connect();
    expect(token.state).toBe("connected");
  });

  it("lets lent sessions come home before the module is finalised under them", async () => {
    const spkiDer = await token.run((connection) => createKeyPair(connection, KEY));
    const connection = await token.connect();
    const handle = privateKeyOf(connection, KEY.keyId, false);
    const running = Array.from({ length: 20 }, () => signOnPool(connection, handle, "ecdsa-p256-sha256", DATA));
    token.drop(connection, new Error("test"));
    const renewed = await token.connect();
    expect(renewed).not.toBe(connection);
    for (const signature of await Promise.all(running)) {
      expect(verifySignature(spkiDer, "ecdsa-p256-sha256", DATA, signature)).toBe(true);
    }
  });

  it("changes one thing at a time, whatever became of the one before", async () => {
    const steps: string[] = [];
    const change = (name: string, fails = false) =>
      token.change(async () => {
        steps.push(`${name} begins`);
        await new Promise(setImmediate);
        steps.push(`${name} ends`);
        if (fails) throw new Error(name);
      });
    const results = await Promise.allSettled([change("a"), change("b", true), change("c")]);
    expect(results.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
    expect(steps).toEqual(["a", "b", "c"].flatMap((name) => [`${name} begins`, `${name} ends`]));
  });

  it("makes one connection for many callers at once", async () => {
    await Promise.all(Array.from({ length: 10 }, () => token.connect()));
    expect(faulty.calls("C_Login")).toBe(1);
  });

  it("does not take another's fault for the token's", async () => {
    await token.connect();
    await expect(token.run(() => Promise.reject(new Error("ours")))).rejects.toThrow("ours");
    expect(token.state).toBe("connected");
  });

  it("is away, not broken, while no token has the label", async () => {
    renameSync(`${testToken.confPath}`, `${testToken.confPath}.away`);
    writeFileSync(testToken.confPath, "directories.tokendir = /nonexistent\nobjectstore.backend = file\n");
    await expect(token.connect()).rejects.toMatchObject({ code: "HSM_UNAVAILABLE" });
    renameSync(`${testToken.confPath}.away`, testToken.confPath);
    clock.advance(10_000);
    await token.connect();
    expect(token.state).toBe("connected");
  });
});

describe("the PIN", () => {
  it("is never tried again once rejected", async () => {
    writeFileSync(testToken.pinFile, "0000-0000");
    const attempt = () => token.connect();
    await expect(attempt()).rejects.toMatchObject({ code: "HSM_PIN_WRONG" });
    clock.advance(60_000);
    await expect(attempt()).rejects.toMatchObject({ code: "HSM_PIN_WRONG" });
    expect(faulty.calls("C_Login")).toBe(1);
    expect(token.state).toBe("pin-rejected");
  });

  it("may be known to the token already: login is per application", async () => {
    faulty.fail("C_Login", "USER_ALREADY_LOGGED_IN");
    await token.connect();
    expect(token.state).toBe("connected");
  });

  it.each([
    ["readable by the group", 0o640, "1234\n"],
    ["readable by others", 0o604, "1234\n"],
    ["empty", 0o600, "\n"],
  ])("is refused from a file that is %s", (_, mode, content) => {
    writeFileSync(testToken.pinFile, content);
    chmodSync(testToken.pinFile, mode);
    expect(newToken).toThrow(expect.objectContaining({ code: "CONFIG_INVALID" }));
  });
});

it("says that a software token is one", async () => {
  await token.connect();
  expect(token.description).toBe("software token (SoftHSM)");
});
