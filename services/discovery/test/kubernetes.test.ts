import { generateKeyPairSync, type KeyObject, randomUUID } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { exportJWK, SignJWT } from "jose";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readIssuerKeys } from "../src/kubernetes.ts";
import { ADMIN, type DiscoveryHarness, newDiscovery } from "./harness.ts";

const ISSUER = "https://kubernetes.default.svc.cluster.local";
const AUDIENCE = "vcc-pki";

let harness: DiscoveryHarness;
let directory = "";
const own = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey;
const foreign = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "vcc-jwks-"));
  const jwksFile = join(directory, "jwks.json");
  const { kty, n, e } = await exportJWK(own);
  writeFileSync(jwksFile, JSON.stringify({ keys: [{ kty, n, e, kid: "k1", alg: "RS256", use: "sig" }] }));
  const bind = (serviceAccount: string) => ({
    ...{ namespace: "vcc", serviceAccount, organisation: "brandenburg", service: serviceAccount },
  });
  const kubernetes = [{ issuer: ISSUER, audience: AUDIENCE, jwksFile, bindings: [bind("argus"), bind("idle")] }];
  harness = await newDiscovery({ config: { enrolment: { kubernetes } } });
  await harness.grant("argus");
  // A token that nobody uses approves it.
  await harness.as(ADMIN).enrolment.createToken({
    ...{ requestId: randomUUID(), organisation: "", service: "argus", dnsNames: ["argus.vcc.internal"], network: "" },
    ...{ ipAddresses: [], profile: "", validitySeconds: 0, spkiSha256: new Uint8Array() },
  });
});
afterAll(async () => {
  await harness.close();
  rmSync(directory, { recursive: true });
});

const code = (expected: string) => expect.objectContaining({ code: expected });
const seconds = () => Math.floor(harness.clock.now().getTime() / 1_000);
const claims = (serviceAccount = "argus", namespace = "vcc") => ({
  ...{ iss: ISSUER, aud: [AUDIENCE], sub: `system:serviceaccount:${namespace}:${serviceAccount}` },
  ...{ iat: seconds(), nbf: seconds(), exp: seconds() + 3_600 },
  "kubernetes.io": { namespace, serviceaccount: { name: serviceAccount, uid: "u1" }, pod: { name: "p", uid: "p1" } },
});
const sign = (payload: object, key: KeyObject | Uint8Array = own, alg = "RS256") =>
  new SignJWT({ ...payload }).setProtectedHeader({ alg, kid: "k1" }).sign(key);
const enrol = (token: string, fields: object = {}) =>
  harness.as("", "gateway").enrolment.enrol({
    ...{ requestId: randomUUID(), attestation: { $case: "kubernetes", value: { token } }, peerAddress: "" },
    ...{ csrDer: harness.csrOf("argus"), ...fields },
  });

describe("a pod", () => {
  it("enrols by its service account token, again when it is restarted, and once for each request", async () => {
    const token = await sign(claims());
    const asked = { requestId: randomUUID(), csrDer: harness.csrOf("argus") };
    const first = await enrol(token, asked);
    expect(first).toMatchObject({ service: "argus", profile: "mtls_service" });
    expect(await enrol(token, asked)).toEqual(first);
    expect((await enrol(await sign(claims()))).certificateId).not.toBe(first.certificateId);
  });

  it.each<[string, () => Promise<string> | string]>([
    ["signed by another key", () => sign(claims(), foreign)],
    ["for another audience", () => sign({ ...claims(), aud: ["api"] })],
    ["of another issuer", () => sign({ ...claims(), iss: "https://elsewhere.example" })],
    ["that has expired", () => sign({ ...claims(), iat: seconds() - 7_000, exp: seconds() - 3_000 })],
    ["that is not valid yet", () => sign({ ...claims(), nbf: seconds() + 600 })],
    ["that lives for ever", () => sign({ ...claims(), exp: seconds() + 365 * 86_400 })],
    ["without end", () => sign({ ...claims(), exp: undefined })],
    ["that is bound to no pod", () => sign({ ...claims(), "kubernetes.io": { namespace: "vcc" } })],
    ["of another service account", () => sign(claims("default"))],
    ["of another namespace", () => sign(claims("argus", "kube-system"))],
    ["whose subject is another", () => sign({ ...claims(), sub: "system:serviceaccount:vcc:admin" })],
    [
      "signed with a MAC",
      () => sign(claims(), Buffer.from(own.export({ type: "pkcs1", format: "pem" }).toString()), "HS256"),
    ],
    ["signed by nobody", async () => `${unsecured(claims())}.`],
    ["that is none", () => "token"],
    ["that is too long", () => "a".repeat(17_000)],
  ])("with a token %s is refused", async (_, make) => {
    await expect(enrol(await make())).rejects.toThrow(code("ENROLMENT_REFUSED"));
  });

  const unsecured = (payload: object) =>
    [{ alg: "none" }, payload].map((part) => Buffer.from(JSON.stringify(part)).toString("base64url")).join(".");

  it("of a service that is not approved is refused, and one that asks for other names", async () => {
    const idle = { csrDer: harness.csrOf("idle") };
    await expect(enrol(await sign(claims("idle")), idle)).rejects.toThrow(code("ENROLMENT_REFUSED"));
    const greedy = { csrDer: harness.csrOf("argus", { dns: ["clara.vcc.internal"] }) };
    await expect(enrol(await sign(claims()), greedy)).rejects.toThrow(code("NAME_NOT_ALLOWED"));
    await expect(enrol(await sign(claims()), idle)).rejects.toThrow(code("NAME_NOT_ALLOWED"));
  });
});

it("a cluster without keys is no configuration", () => {
  expect(() => readIssuerKeys({ jwksFile: join(directory, "none.json"), jwksUrl: undefined })).toThrow(
    code("CONFIG_INVALID"),
  );
});
