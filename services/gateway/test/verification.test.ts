import { hash } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Signature } from "../src/api/signing.ts";
import type { VerificationAnswer } from "../src/api/verification.ts";
import { refused } from "./https.ts";
import { newSigningDoor, type SigningDoor } from "./signing-door.ts";

const ANY = "/api/v1/verify/signature";
const PACKAGE = "/api/v1/verify/python-package";
const HASH = "/api/v1/verify";

let door: SigningDoor;
let made: Signature;
const sha256 = (text: string) => hash("sha256", text);
const files = ["a.py", "b.py"].map((path) => ({ path, sha256: sha256(path) }));
const wheel = { name: "recht", version: "1.2", shape: "directory", files, signer: "clara" };
const sign = async (fields: object = {}) =>
  (
    await door.knock({ path: "/api/v1/sign/python-package", body: { ...wheel, ...fields } })
  ).json() as unknown as Signature;

beforeAll(async () => {
  door = await newSigningDoor();
  await door.knock({ path: "/api/v1/signers", body: { signer: "clara" } });
  made = await sign();
  await door.signing.publishLists();
});
afterAll(() => door.close());

const question = (fields: object = {}) => ({ signature: made.signature, manifest: made.manifest, files, ...fields });
const verify = async (fields: object = {}, { path = ANY, as = door.admin } = {}) => {
  const answer = await door.knock({ path, body: question(fields), as });
  expect([answer.status, answer.text]).toEqual([200, expect.any(String)]);
  return answer.json() as unknown as VerificationAnswer;
};
const codes = async (...about: Parameters<typeof verify>) => {
  const { ok, checks } = await verify(...about);
  const failed = checks.filter((check) => !check.ok);
  expect(ok).toBe(failed.length === 0);
  return failed.map(({ code }) => code);
};

describe("a signed artefact", () => {
  it("may be used: every check by its name, who signed it, and what it is", async () => {
    const { checks, ...answer } = await verify();
    expect(answer).toEqual({
      ...{ ok: true, artefact_digest: made.artefact_digest, type: "python_package", name: "recht", version: "1.2" },
      ...{ metadata: {}, signed_by: "spiffe://vcc.internal/org/brandenburg/service/clara", signed_at: made.signed_at },
      signature_id: made.signature_id,
    });
    expect(checks.map(({ name }) => name)).toEqual(expect.arrayContaining(["signature", "time-stamp", "recall"]));
    expect(checks).toContainEqual({ name: "resources-changed", ok: true });
  });

  it("may be used by services, by its digest, as a statement, and as its type alone", async () => {
    const digest = { files: undefined, digest: made.artefact_digest };
    expect(await codes(digest, { as: door.argus })).toEqual([]);
    expect(await codes({}, { path: PACKAGE })).toEqual([]);
    expect(await codes({}, { path: "/api/v1/verify/lora-adapter" })).toEqual(["ARTEFACT_TYPE_NOT_ALLOWED"]);
    for (const format of ["oms", "sigstore", "attestation"]) {
      const { bundle } = await sign({ format });
      expect(await codes({ signature: undefined, manifest: undefined, bundle }), format).toEqual([]);
    }
  });

  it("may not be used when it was changed, which is said in two languages", async () => {
    const changed = [{ path: "a.py", sha256: sha256("x") }, files[1]];
    const { ok, checks, signed_by, name } = await verify({ files: changed });
    expect([ok, signed_by, name]).toEqual([false, undefined, undefined]);
    expect(checks.filter((check) => !check.ok)).toEqual([
      {
        ...{ name: "resources-changed", ok: false, code: "RESOURCE_CHANGED", detail: '"a.py"' },
        reason: { en: "A file was changed.", de: "Eine Datei wurde verändert." },
      },
    ]);
    expect(await codes({ policy: "models" })).toEqual(expect.arrayContaining(["ARTEFACT_TYPE_NOT_ALLOWED"]));
    expect(await codes({ expected: { version: "2" } })).toEqual(["ARTEFACT_OTHER"]);
    expect(await codes({ signature: "AAAA" })).toContain("SIGNATURE_MALFORMED");
    expect(await codes({}, { as: door.stranger })).toContain("ORGANISATION_OTHER");
  });

  it("is counted in its record, and once under one Idempotency-Key", async () => {
    const { signature, manifest, signature_id } = await sign({ name: "counted" });
    const ask = (headers = {}) => door.knock({ path: ANY, headers, body: question({ signature, manifest }) });
    for (const headers of [{}, { "idempotency-key": "v1" }, { "idempotency-key": "v1" }]) await ask(headers);
    const path = `/api/v1/sign/audit/${signature_id}/usage`;
    expect((await door.knock({ path })).json()).toMatchObject({ verified: 2 });
    await door.knock({ path, body: { action: "verified", times: 40 }, as: door.argus });
    expect((await door.knock({ path })).json()).toMatchObject({ verified: 42, usages: [{ times: 40 }, {}, {}] });
  });

  it.each<[string, object, string]>([
    ["nothing that vouches", { signature: undefined, manifest: undefined }, "REQUEST_MALFORMED"],
    ["two things that vouch", { bundle: "{}" }, "REQUEST_MALFORMED"],
    ["a manifest without signature", { signature: undefined, bundle: "{}" }, "REQUEST_MALFORMED"],
    ["nothing that is there", { files: undefined }, "REQUEST_MALFORMED"],
    ["files and a digest", { digest: `sha256:${sha256("x")}` }, "REQUEST_MALFORMED"],
    ["a digest of another hash", { files: undefined, digest: "md5:00" }, "REQUEST_MALFORMED"],
    ["a policy that is no name", { policy: "../artefacts" }, "REQUEST_MALFORMED"],
    ["roots that are no PEM", { anchors: ["root"] }, "REQUEST_MALFORMED"],
    ["more than is known", { trust: "me" }, "REQUEST_MALFORMED"],
  ])("with %s is no question", async (_what, fields, code) => {
    expect(await refused(door.knock({ path: ANY, body: question(fields) }))).toEqual([400, code]);
  });

  it("by a policy or of a type that there is none of is no question, nor is one too large", async () => {
    const ask = (path: string, fields: object) => refused(door.knock({ path, body: question(fields) }));
    expect(await ask(ANY, { policy: "mine" })).toEqual([404, "NOT_FOUND"]);
    expect(await ask("/api/v1/verify/poem", {})).toEqual([400, "REQUEST_MALFORMED"]);
    expect(await ask(ANY, { manifest: "x".repeat(33 << 20) })).toEqual([413, "REQUEST_TOO_LARGE"]);
  });
});

describe("a digest, in ThemisDB's words", () => {
  const hash_b64 = hash("sha256", "a batch of a log", "base64");
  let signature_b64: string;
  beforeAll(async () => {
    const body = { hash_b64, service_id: "clara" };
    const answer = await door.knock({ path: "/api/v1/sign", body, as: door.clara });
    signature_b64 = (answer.json() as { signature_b64: string }).signature_b64;
  });
  const ask = (fields: object = {}, as = door.clara) =>
    door.knock({ path: HASH, body: { hash_b64, signature_b64, ...fields }, as });
  const answer = async (...about: Parameters<typeof ask>) => (await ask(...about)).json();

  it("was signed by the service that its certificate names, and says no more than that", async () => {
    expect(await answer()).toEqual({ ok: true });
    expect(await answer({ service_id: "clara", algorithm: "RSA-SHA256" })).toEqual({ ok: true });
    expect(await answer({ service_id: "clara" }, door.admin)).toEqual({ ok: true });
  });

  it.each<[string, object]>([
    ["another digest", { hash_b64: hash("sha256", "another", "base64") }],
    ["what is no signature", { signature_b64: Buffer.from(hash_b64).toString("base64") }],
    ["a signature over a manifest", {}],
  ])("was not signed: %s", async (what, fields) => {
    const over = what.endsWith("manifest") && {
      ...{ signature_b64: made.signature, hash_b64: hash("sha256", made.manifest ?? "", "base64") },
    };
    expect(await answer({ ...fields, ...over })).toEqual({ ok: false });
  });

  it("is nobody else's to ask about as his own", async () => {
    expect(await answer({}, door.argus)).toEqual({ ok: false });
    expect(await refused(ask({ service_id: "clara" }, door.argus))).toEqual([403, "CALLER_NOT_ALLOWED"]);
    expect(await refused(ask({}, door.admin))).toEqual([400, "REQUEST_MALFORMED"]);
    expect(await answer({ service_id: "clara" }, door.stranger)).toEqual({ ok: false });
  });

  it.each<[string, object]>([
    ["no digest", { hash_b64: undefined }],
    ["a digest of another hash", { hash_b64: "AAAA" }],
    ["no signature", { signature_b64: undefined }],
    ["a signature that is not base64", { signature_b64: "*" }],
    ["more than is known", { trust: "me" }],
  ])("with %s is malformed, and not ok", async (_what, fields) => {
    const malformed = await ask(fields);
    expect([malformed.status, malformed.json().ok]).toEqual([400, undefined]);
  });
});

describe.each<[string, () => object]>([
  [ANY, question],
  [PACKAGE, question],
  [HASH, () => ({ hash_b64: hash("sha256", "x", "base64"), signature_b64: "AAAA", service_id: "clara" })],
])("%s", (path, body) => {
  it("is for nobody without a certificate", async () => {
    expect(await refused(door.knock({ path, body: body(), as: undefined }))).toEqual([401, "CALLER_UNAUTHENTICATED"]);
  });

  it("answers PEER_UNAVAILABLE while signing is away, and nothing that looks like ok", async () => {
    const answer = await door.knockWithoutSigning({ path, body: body() });
    expect([answer.status, answer.json().code, answer.json().ok]).toEqual([503, "PEER_UNAVAILABLE", undefined]);
  });
});
