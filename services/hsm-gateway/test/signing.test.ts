import { randomUUID } from "node:crypto";
import { type Key, KeyPurpose, type SignRequest } from "@vcc-pki/proto/hsm";
import { OID, verifySignature } from "@vcc-pki/x509";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type HsmGatewayHarness, newHsmGateway } from "./harness.ts";
import { checkpoint, ID_CT_TST_INFO, leafTbs, pae, responseData, signedAttributes } from "./payloads.ts";

let gateway: HsmGatewayHarness;
beforeEach(async () => {
  gateway = await newHsmGateway();
});
afterEach(() => gateway.close());

const code = (expected: string) => ({ code: expected });

function requestFor(key: Key, payload: SignRequest["payload"], overrides: Partial<SignRequest> = {}): SignRequest {
  const [signatureAlgorithm = ""] = key.policy?.signatureAlgorithms ?? [];
  const organisation = key.policy?.organisation ?? "";
  return { requestId: randomUUID(), organisation, keyId: key.keyId, signatureAlgorithm, payload, ...overrides };
}

const auditRecords = () => gateway.store.audit.read(0, 1_000);

describe("a signature", () => {
  it.each([
    [KeyPurpose.ISSUING_CA, "tbsCertificate", () => leafTbs()],
    [KeyPurpose.OCSP_RESPONDER, "ocspResponseData", ({ spkiDer }: Key) => responseData(spkiDer)],
    [KeyPurpose.TIME_STAMPING, "cmsSignedAttributes", () => signedAttributes(ID_CT_TST_INFO)],
    [KeyPurpose.CODE_SIGNING, "dssePae", () => pae()],
    [KeyPurpose.AUDIT_CHECKPOINT, "auditCheckpoint", () => checkpoint()],
  ] as const)("of %s over %s verifies and is in the ledger", async (purpose, $case, build) => {
    const key = await gateway.createKey({ purpose });
    const value = build(key);
    const signature = await gateway.signer(key).sign({ $case, value }, "r-1");
    expect(verifySignature(key.spkiDer, "ecdsa-p256-sha256", value, signature)).toBe(true);
    const { entries } = await gateway.as("audit").ledger.list({ afterSequence: 0, pageSize: 0 });
    expect(entries).toMatchObject([
      { sequence: 1, keyId: key.keyId, purpose, requestId: "r-1", organisation: "brandenburg" },
    ]);
  });

  it.each([
    ["ec-p384", "ecdsa-p384-sha384"],
    ["rsa-3072", "rsa-pss-sha256"],
    ["ed25519", "ed25519"],
  ] as const)("of a CA with a key of kind %s is verified and recorded", async (keyAlgorithm, algorithm) => {
    const key = await gateway.createKey({ keyAlgorithm, policy: { signatureAlgorithms: [algorithm] } });
    const value = leafTbs({ signatureAlgorithm: algorithm });
    const signature = await gateway.signer(key).sign({ $case: "tbsCertificate", value }, "r-1");
    expect(verifySignature(key.spkiDer, algorithm, value, signature)).toBe(true);
  });

  it("is the first one again for the same request, and is refused for another under its id", async () => {
    const key = await gateway.createKey();
    const signer = gateway.signer(key);
    const value = leafTbs();
    const first = await signer.sign({ $case: "tbsCertificate", value }, "r-1");
    expect(await signer.sign({ $case: "tbsCertificate", value }, "r-1")).toEqual(first);
    await expect(signer.sign({ $case: "tbsCertificate", value: leafTbs() }, "r-1")).rejects.toMatchObject(
      code("REQUEST_ID_REUSED"),
    );
    expect((await gateway.as("audit").ledger.list({ afterSequence: 0, pageSize: 0 })).entries).toHaveLength(1);
  });

  it("is made once for a request that comes many times at once", async () => {
    const key = await gateway.createKey();
    const { signing } = gateway.as("ca");
    const request = requestFor(key, { $case: "tbsCertificate", value: leafTbs() }, { requestId: "r-1" });
    const other = requestFor(key, { $case: "tbsCertificate", value: leafTbs() }, { requestId: "r-1" });
    const answers = await Promise.allSettled([...Array(8).fill(request), other].map((each) => signing.sign(each)));
    const made = answers.flatMap((answer) => (answer.status === "fulfilled" ? [answer.value.signature] : []));
    expect(made).toHaveLength(8);
    for (const signature of made) expect(signature).toEqual(made[0]);
    expect(answers.at(-1)).toMatchObject({ status: "rejected", reason: code("REQUEST_ID_REUSED") });
  });

  it("of one caller's request id has nothing to do with another's", async () => {
    const callers = ["spiffe://vcc.internal/pki/ca", "spiffe://vcc.internal/pki/acme"];
    const key = await gateway.createKey({ policy: { allowedCallers: callers } });
    const value = leafTbs();
    const mine = await gateway.signer(key, "ca").sign({ $case: "tbsCertificate", value }, "r-1");
    const theirs = await gateway.signer(key, "acme").sign({ $case: "tbsCertificate", value: leafTbs() }, "r-1");
    expect(theirs).not.toEqual(mine);
  });

  it("names the person behind the caller, if the caller may speak for others", async () => {
    const person = "spiffe://vcc.internal/org/vcc/admin/operator";
    const authority = await gateway.createKey();
    const log = await gateway.createKey({ purpose: KeyPurpose.AUDIT_CHECKPOINT });
    await gateway.signer(authority).sign({ $case: "tbsCertificate", value: leafTbs() }, "r-1", { requester: person });
    await gateway.signer(log).sign({ $case: "auditCheckpoint", value: checkpoint() }, "r-1", { requester: person });
    const { entries } = await gateway.as("audit").ledger.list({ afterSequence: 0, pageSize: 0 });
    expect(entries.map(({ requester }) => requester)).toEqual([person, "spiffe://vcc.internal/pki/audit"]);
  });
});

describe("a request that the policy does not admit", () => {
  it.each([
    [
      "a foreign issuer",
      "PAYLOAD_NOT_ADMITTED",
      { $case: "tbsCertificate", value: leafTbs({ extendedKeyUsages: [OID.codeSigning] }) },
    ],
    ["another kind of payload", "PAYLOAD_NOT_ADMITTED", { $case: "auditCheckpoint", value: checkpoint() }],
    ["garbage", "CERTIFICATE_MALFORMED", { $case: "tbsCertificate", value: Buffer.from("garbage") }],
    ["nothing", "REQUEST_MALFORMED", undefined],
  ] as const)("%s: %s, and an audit record", async (_, expected, payload) => {
    const key = await gateway.createKey();
    const before = auditRecords().length;
    const request = requestFor(key, payload as SignRequest["payload"]);
    await expect(gateway.as("ca").signing.sign(request)).rejects.toMatchObject(code(expected));
    expect(auditRecords().slice(before)).toMatchObject([
      {
        action: "key.sign",
        outcome: "refused",
        code: expected,
        target: key.keyId,
        caller: "spiffe://vcc.internal/pki/ca",
      },
    ]);
    expect((await gateway.as("audit").ledger.list({ afterSequence: 0, pageSize: 0 })).entries).toEqual([]);
  });

  it.each([
    ["another organisation", { organisation: "berlin" }],
    ["no such key", { keyId: "00".repeat(16) }],
  ])("%s: as if the key did not exist", async (_, overrides) => {
    const key = await gateway.createKey();
    const request = requestFor(key, { $case: "tbsCertificate", value: leafTbs() }, overrides);
    await expect(gateway.as("ca").signing.sign(request)).rejects.toMatchObject(code("NOT_FOUND"));
  });

  it("from a caller that is not named in it: as if the key did not exist", async () => {
    const key = await gateway.createKey();
    const request = requestFor(key, { $case: "tbsCertificate", value: leafTbs() });
    const [foreign, unknown] = await Promise.all([
      gateway
        .as("tsa")
        .signing.sign(request)
        .catch((error: unknown) => error),
      gateway
        .as("tsa")
        .signing.sign({ ...request, requestId: "other", keyId: "00".repeat(16) })
        .catch((error: unknown) => error),
    ]);
    expect(foreign).toMatchObject(code("NOT_FOUND"));
    expect((foreign as Error).message).toBe((unknown as Error).message);
  });

  it.each(["not-an-algorithm", "ecdsa-p384-sha384"])("algorithm %s", async (signatureAlgorithm) => {
    const key = await gateway.createKey();
    const request = requestFor(key, { $case: "tbsCertificate", value: leafTbs() }, { signatureAlgorithm });
    await expect(gateway.as("ca").signing.sign(request)).rejects.toMatchObject(code("ALGORITHM_NOT_ALLOWED"));
  });

  it.each(["", "with space", "x".repeat(129), "line\nfeed"])("request id %j", async (requestId) => {
    const key = await gateway.createKey();
    const request = requestFor(key, { $case: "tbsCertificate", value: leafTbs() }, { requestId });
    await expect(gateway.as("ca").signing.sign(request)).rejects.toMatchObject(code("REQUEST_MALFORMED"));
  });

  it("too many a second", async () => {
    const key = await gateway.createKey({ policy: { rateLimitPerSecond: 1 } });
    const sign = () => gateway.signer(key).sign({ $case: "tbsCertificate", value: leafTbs() }, randomUUID());
    for (let i = 0; i < 10; i++) await sign();
    await expect(sign()).rejects.toMatchObject(code("RATE_LIMITED"));
    gateway.clock.advance(1_000);
    await sign();
    await expect(sign()).rejects.toMatchObject(code("RATE_LIMITED"));
  });
});

describe("the stream", () => {
  it("answers each item by itself: one refusal spoils nobody else's signature", async () => {
    const key = await gateway.createKey();
    const signer = gateway.signer(key);
    const payloads = Array.from({ length: 200 }, (_, i) => (i % 10 === 3 ? Buffer.from("bad") : leafTbs()));
    const answers = await Promise.allSettled(
      payloads.map((value, i) => signer.sign({ $case: "tbsCertificate", value }, `r-${i}`)),
    );
    for (const [i, answer] of answers.entries()) {
      if (i % 10 === 3) expect(answer).toMatchObject({ status: "rejected", reason: code("CERTIFICATE_MALFORMED") });
      else {
        const { value: signature } = answer as PromiseFulfilledResult<Uint8Array>;
        expect(verifySignature(key.spkiDer, "ecdsa-p256-sha256", payloads[i] ?? new Uint8Array(), signature)).toBe(
          true,
        );
      }
    }
    const { entries } = await gateway.as("audit").ledger.list({ afterSequence: 0, pageSize: 1_000 });
    expect(entries.map(({ sequence }) => sequence)).toEqual(Array.from({ length: 180 }, (_, i) => i + 1));
  });

  it("answers an item without request, and ends when the requests end", async () => {
    const requests = (async function* () {
      yield { items: [{ id: 7, request: undefined, requester: "" }] };
    })();
    const answers = await Array.fromAsync(gateway.as("ca").signing.signStream(requests));
    expect(answers.flatMap(({ items }) => items)).toMatchObject([
      { id: 7, outcome: { $case: "failure", value: { code: "REQUEST_MALFORMED" } } },
    ]);
  });

  it("does not let a requester be made up", async () => {
    const key = await gateway.createKey();
    const request = requestFor(key, { $case: "tbsCertificate", value: leafTbs() });
    const requests = (async function* () {
      yield { items: [{ id: 1, request, requester: "spiffe://elsewhere/org/x/admin/y" }] };
    })();
    const answers = await Array.fromAsync(gateway.as("ca").signing.signStream(requests));
    expect(answers[0]?.items).toMatchObject([{ outcome: { $case: "failure", value: { code: "NAME_MALFORMED" } } }]);
  });
});
