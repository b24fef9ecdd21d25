import { randomUUID } from "node:crypto";
import { type KeyPolicy, KeyPurpose, KeyState } from "@vcc-pki/proto/hsm";
import { buildName, keyAlgorithmOf } from "@vcc-pki/x509";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type HsmGatewayHarness, newHsmGateway, policyFor, TEST_ISSUER } from "./harness.ts";
import { checkpoint } from "./payloads.ts";

let gateway: HsmGatewayHarness;
const code = (expected: string) => ({ code: expected });
const CA = "spiffe://vcc.internal/pki/ca";

describe("keys", () => {
  beforeAll(async () => {
    gateway = await newHsmGateway();
  });
  afterAll(() => gateway.close());

  it("say what they are, where they live and what they may do", async () => {
    const key = await gateway.createKey({ keyAlgorithm: "ec-p384" });
    expect(key).toMatchObject({
      ...{ label: "test key", keyAlgorithm: "ec-p384", state: KeyState.ACTIVE, token: "software token (SoftHSM)" },
      policy: { ...policyFor(KeyPurpose.ISSUING_CA, "ec-p384"), allowedCallers: [CA] },
    });
    expect(keyAlgorithmOf(key.spkiDer)).toBe("ec-p384");
    expect(key.keyId).toMatch(/^[0-9a-f]{32}$/);
    const { keyId } = key;
    expect(await gateway.as("ca").keys.getKey({ organisation: "brandenburg", keyId })).toEqual(key);
  });

  it("are made once for a request, however often and however close together it comes", async () => {
    const make = () => gateway.createKey({ requestId: "same" });
    const keys = await Promise.all([make(), make(), make()]);
    expect(new Set([...keys, await make()].map(({ keyId }) => keyId)).size).toBe(1);
    await expect(gateway.createKey({ requestId: "same", keyAlgorithm: "ec-p384" })).rejects.toMatchObject(
      code("REQUEST_ID_REUSED"),
    );
  });

  it.each([
    ["ca", KeyPurpose.TIME_STAMPING],
    ["tsa", KeyPurpose.ISSUING_CA],
    ["audit", KeyPurpose.CODE_SIGNING],
  ])("of a purpose that is not the creator's are refused: %s, %s", async (caller, purpose) => {
    await expect(gateway.createKey({ caller, purpose })).rejects.toMatchObject(code("CALLER_NOT_ALLOWED"));
  });

  it.each(["gateway", "discovery", "ceremony", "spiffe://vcc.internal/org/vcc/admin/operator"])(
    "are not made by %s",
    async (caller) => {
      await expect(gateway.createKey({ caller })).rejects.toMatchObject(code("CALLER_NOT_ALLOWED"));
    },
  );

  const bad: [string, Partial<KeyPolicy>][] = [
    ["no algorithm", { signatureAlgorithms: [] }],
    ["unknown algorithm", { signatureAlgorithms: ["ecdsa-sha1"] }],
    ["algorithm of another kind of key", { signatureAlgorithms: ["ed25519"] }],
    ["no organisation", { organisation: "" }],
    ["organisation in capitals", { organisation: "Brandenburg" }],
    ["caller outside the suite", { allowedCallers: ["spiffe://vcc.internal/org/vcc/service/x"] }],
    ["no issuer name", { issuerNameDer: new Uint8Array() }],
    ["empty issuer name", { issuerNameDer: buildName([]).der }],
    ["issuer name with a tail", { issuerNameDer: Buffer.concat([TEST_ISSUER.der, Buffer.of(0)]) }],
    ["no limits", { certificateLimits: undefined }],
    ["quorum without custodians", { quorumThreshold: 1 }],
    ["copyable under quorum", { copyable: true, quorumThreshold: 1 }],
    ["purpose unspecified", { purpose: KeyPurpose.UNSPECIFIED }],
  ];
  it.each(bad)("with a bad policy are refused: %s", async (_, policy) => {
    await expect(gateway.createKey({ policy })).rejects.toMatchObject(code("KEY_POLICY_INVALID"));
  });

  it.each([
    ["end entities", { certificateAuthorities: true, endEntities: true }],
    ["nothing", { certificateAuthorities: false, endEntities: false }],
  ])("of a root do not sign %s", async (_, limits) => {
    const certificateLimits = { ...limits, maxValiditySeconds: 1, extendedKeyUsages: [] };
    await expect(
      gateway.createKey({ purpose: KeyPurpose.ROOT_CA, policy: { certificateLimits } }),
    ).rejects.toMatchObject(code("KEY_POLICY_INVALID"));
  });

  it("of a root are under quorum", async () => {
    await expect(
      gateway.createKey({ purpose: KeyPurpose.ROOT_CA, policy: { quorumThreshold: 0 } }),
    ).rejects.toMatchObject(code("KEY_POLICY_INVALID"));
  });

  it("of an unknown kind are refused", async () => {
    const policy = policyFor(KeyPurpose.ISSUING_CA, "ec-p256");
    const request = { requestId: randomUUID(), label: "x", keyAlgorithm: "rsa-1024", policy };
    await expect(gateway.as("ca").keys.createKey(request)).rejects.toMatchObject(code("KEY_NOT_ALLOWED"));
    const badLabel = { ...request, keyAlgorithm: "ec-p256", label: "line\nfeed" };
    await expect(gateway.as("ca").keys.createKey(badLabel)).rejects.toMatchObject(code("REQUEST_MALFORMED"));
  });

  it("are seen by their creator, their callers and the gateway, and do not exist for others", async () => {
    const acme = "spiffe://vcc.internal/pki/acme";
    const { keyId } = await gateway.createKey({ policy: { allowedCallers: [CA, acme], organisation: "potsdam" } });
    const get = (caller: string, organisation = "potsdam") => gateway.as(caller).keys.getKey({ organisation, keyId });
    const list = async (caller: string, organisation = "potsdam") =>
      (await gateway.as(caller).keys.listKeys({ organisation, pageSize: 0, pageToken: "" })).keys.length;
    for (const caller of ["ca", "gateway"]) {
      expect((await get(caller)).keyId).toBe(keyId);
      expect(await list(caller)).toBe(1);
    }
    await expect(get("tsa")).rejects.toMatchObject(code("NOT_FOUND"));
    await expect(get("ca", "brandenburg")).rejects.toMatchObject(code("NOT_FOUND"));
    await expect(get("gateway", "brandenburg")).rejects.toMatchObject(code("NOT_FOUND"));
    expect(await list("tsa")).toBe(0);
    for (const destroy of ["disableKey", "destroyKey"] as const) {
      const request = { organisation: "potsdam", keyId, requestId: randomUUID() };
      await expect(gateway.as("tsa").keys[destroy](request)).rejects.toMatchObject(code("NOT_FOUND"));
      await expect(gateway.as("gateway").keys[destroy](request)).rejects.toMatchObject(code("CALLER_NOT_ALLOWED"));
    }
  });

  it("are listed page by page", async () => {
    const policy = { organisation: "cottbus" };
    const made = await Promise.all(Array.from({ length: 5 }, () => gateway.createKey({ policy })));
    const seen: string[] = [];
    for (let pageToken = ""; ; ) {
      const page = await gateway.as("ca").keys.listKeys({ organisation: "cottbus", pageSize: 2, pageToken });
      seen.push(...page.keys.map(({ keyId }) => keyId));
      pageToken = page.nextPageToken;
      if (pageToken === "") break;
    }
    expect(seen).toEqual(made.map(({ keyId }) => keyId).sort());
    await expect(
      gateway.as("ca").keys.listKeys({ organisation: "cottbus", pageSize: 1_001, pageToken: "" }),
    ).rejects.toMatchObject(code("REQUEST_MALFORMED"));
  });
});

describe("the end of a key", () => {
  afterEach(() => gateway.close());

  it.each([
    ["disableKey", KeyState.DISABLED],
    ["destroyKey", KeyState.DESTROYED],
  ] as const)("%s: signs no more, at once and after a restart, but repeats what it signed", async (method, state) => {
    gateway = await newHsmGateway({ database: "file" });
    const key = await gateway.createKey({ purpose: KeyPurpose.AUDIT_CHECKPOINT, policy: { copyable: true } });
    const value = checkpoint();
    const sign = (id: string) => gateway.signer(key).sign({ $case: "auditCheckpoint", value }, id);
    const first = await sign("r-1");
    const request = { organisation: "brandenburg", keyId: key.keyId, requestId: "d-1" };
    expect((await gateway.as("audit").keys[method](request)).state).toBe(state);
    expect((await gateway.as("audit").keys[method](request)).state).toBe(state);
    await expect(sign("r-2")).rejects.toMatchObject(code("KEY_NOT_ACTIVE"));
    await gateway.restart();
    await expect(sign("r-3")).rejects.toMatchObject(code("KEY_NOT_ACTIVE"));
    expect(Buffer.from(await sign("r-1"))).toEqual(Buffer.from(first));
    expect(gateway.token.countPrivateKeys()).toBe(state === KeyState.DESTROYED ? 0 : 1);
  });

  it("leaves a trail", async () => {
    gateway = await newHsmGateway();
    const key = await gateway.createKey();
    const request = { organisation: "brandenburg", keyId: key.keyId, requestId: "d-1" };
    await gateway.as("ca").keys.disableKey(request);
    await gateway.as("ca").keys.destroyKey(request);
    expect(gateway.store.audit.read(0, 100).map(({ action, outcome }) => `${action} ${outcome}`)).toEqual([
      "key.create requested",
      "key.create done",
      "key.disable done",
      "key.destroy requested",
      "key.destroy done",
    ]);
  });
});
