import { hash } from "node:crypto";
import { artefactDigest, MANIFEST_MIME_TYPE, parseManifest } from "@vcc-pki/artefact";
import {
  type CadesQuestion,
  OID,
  parseCertificate,
  pemDecode,
  trustAnchors,
  verifyCadesSignature,
} from "@vcc-pki/x509";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Signature, Signer } from "../src/api/signing.ts";
import { refused } from "./https.ts";
import { newSigningDoor, type SigningDoor } from "./signing-door.ts";

const SIGNERS = "/api/v1/signers";
const ADAPTER = "/api/v1/sign/lora-adapter";
const PACKAGE = "/api/v1/sign/python-package";
const HASH = "/api/v1/sign";
const STAMPED = "/api/v1/tsa/sign-and-timestamp";
const AUDIT = "/api/v1/sign/audit";
const SIGNATURES = "/api/v1/signatures";

let door: SigningDoor;
let clara: Signer;
beforeAll(async () => {
  door = await newSigningDoor();
  clara = (await door.knock({ path: SIGNERS, body: { signer: "clara" } })).json() as unknown as Signer;
});
afterAll(() => door.close());

const sha256 = (text: string) => hash("sha256", text);
const file = (path: string) => ({ path, sha256: sha256(path) });
const wheel = {
  name: "recht",
  version: "1.2",
  shape: "directory",
  files: [file("b.py"), file("a.py")],
  signer: "clara",
};
const SHARD = 1024 * 1024;
/** A file of a shard and a rest. */
const sharded = {
  ...{ format: "oms", shard_octets: SHARD },
  files: [
    { ...file("a"), shard: { start: 0, end: SHARD } },
    { ...file("a"), shard: { start: SHARD, end: SHARD + 1 } },
  ],
};
const signed = async (path: string, body: object, as = door.admin) => {
  const answer = await door.knock({ path, body, as });
  expect([answer.status, answer.text]).toEqual([201, expect.any(String)]);
  return answer.json() as unknown as Signature;
};
/** Down to the root, as a relying party would. */
const faults = (signature: string | undefined, content: CadesQuestion["content"]) => {
  const anchors = pemDecode(door.rootPem).map(parseCertificate);
  const { checks } = verifyCadesSignature(Buffer.from(signature ?? "", "base64"), {
    content,
    mimeType: content instanceof Uint8Array ? MANIFEST_MIME_TYPE : undefined,
    trust: trustAnchors({ anchors, purpose: OID.codeSigning }),
    timeStamp: { trust: trustAnchors({ anchors }) },
  });
  return checks.flatMap(({ name, ok }) => (ok ? [] : [name]));
};

describe("a signer", () => {
  it("has a key in the token and a certificate that the administrator obtained", async () => {
    expect(clara).toMatchObject({
      signer: "clara",
      organization_id: "brandenburg",
      state: "active",
      profile: "code_signing",
    });
    const [certificate] = pemDecode(clara.chain_pem ?? "").map(parseCertificate);
    expect(certificate?.subjectAltNames.uri).toEqual(["spiffe://vcc.internal/org/brandenburg/service/clara"]);
    expect((await door.knock({ path: `${SIGNERS}?signer=clara` })).json()).toMatchObject({ signers: [clara] });
  });

  it("is one under one Idempotency-Key", async () => {
    const headers = { "idempotency-key": "signer-1" };
    const ask = (signer: string) => door.knock({ path: SIGNERS, headers, body: { signer } });
    expect((await ask("veritas")).json()).toEqual((await ask("veritas")).json());
    expect(await refused(ask("covina"))).toEqual([409, "REQUEST_ID_REUSED"]);
  });

  it("signs nothing any more once it is retired", async () => {
    const made = (await door.knock({ path: SIGNERS, body: { signer: "vpb" } })).json();
    const path = `${SIGNERS}/${made.signer_key_id}/retire`;
    expect((await door.knock({ path, body: {} })).json()).toMatchObject({ state: "retired" });
    const answer = door.knock({ path: PACKAGE, body: { ...wheel, signer: "vpb" } });
    expect((await answer).status).toBeGreaterThanOrEqual(400);
  });

  it("of another organisation does not exist", async () => {
    const as = door.stranger;
    expect((await door.knock({ path: SIGNERS, as })).json()).toEqual({ signers: [] });
    const path = `${SIGNERS}/${clara.signer_key_id}/retire`;
    expect(await refused(door.knock({ path, body: {}, as }))).toEqual([404, "NOT_FOUND"]);
  });

  it("is made by administrators alone", async () => {
    for (const body of [{ signer: "clara" }, undefined])
      expect(await refused(door.knock({ path: SIGNERS, body, as: door.clara }))).toEqual([403, "CALLER_NOT_ALLOWED"]);
  });

  it.each<[string, object, string]>([
    ["without name", {}, "REQUEST_MALFORMED"],
    ["with a name that is none", { signer: "Clara!" }, "REQUEST_MALFORMED"],
    ["with a key of another kind", { signer: "x", key_algorithm: "ed25519" }, "REQUEST_MALFORMED"],
    ["of a profile of something else", { signer: "x", profile: "admin" }, "REQUEST_MALFORMED"],
    ["with more than is known", { signer: "x", more: 1 }, "REQUEST_MALFORMED"],
  ])("%s is refused", async (_what, body, code) => {
    expect(await refused(door.knock({ path: SIGNERS, body }))).toEqual([400, code]);
  });
});

describe("an artefact", () => {
  it("is signed by its files, whatever their order, and its manifest is theirs", async () => {
    const signature = await signed(PACKAGE, wheel);
    const manifest = Buffer.from(signature.manifest ?? "");
    expect(faults(signature.signature, manifest)).toEqual([]);
    expect(faults(signature.signature, Buffer.from(manifest.toString().replace("a.py", "c.py")))).toEqual([
      "message-digest",
    ]);
    const { facts, shape, resources } = parseManifest(manifest);
    expect(facts).toEqual({
      type: "python_package",
      name: "recht",
      version: "1.2",
      organisation: "brandenburg",
      metadata: {},
    });
    expect(resources.map(({ path }) => path)).toEqual(["a.py", "b.py"]);
    expect([signature.artefact_digest, signature.type, signature.signer]).toEqual([
      ...[artefactDigest(shape, resources), "python_package", "clara"],
    ]);
  });

  it("is signed by a service in its own name, and in no other's", async () => {
    const metadata = { baseModel: { digest: `sha256:${sha256("base")}` }, riskClass: "high" };
    const files = [file("adapter_config.json"), file("adapter_model.safetensors")];
    const adapter = { name: "recht-de", shape: "directory", files, metadata };
    const signature = await signed(ADAPTER, adapter, door.clara);
    expect(parseManifest(Buffer.from(signature.manifest ?? "")).facts.metadata).toEqual(metadata);
    const other = { path: ADAPTER, body: { ...adapter, signer: "veritas" }, as: door.clara };
    expect((await door.knock(other)).status).toBe(403);
    const incomplete = { path: ADAPTER, body: { ...adapter, files: files.slice(1) }, as: door.clara };
    expect(await refused(door.knock(incomplete))).toEqual([422, "ARTEFACT_NOT_ADMITTED"]);
  });

  it("has one signature under one Idempotency-Key", async () => {
    const headers = { "idempotency-key": "artefact-1" };
    const ask = (name: string) => door.knock({ path: PACKAGE, headers, body: { ...wheel, name } });
    expect((await ask("once")).json()).toEqual((await ask("once")).json());
    expect(await refused(ask("twice"))).toEqual([409, "REQUEST_ID_REUSED"]);
  });

  it("is found by its digest, its type and its signer, and by its signature's id, in its organisation alone", async () => {
    const { manifest, ...signature } = await signed(PACKAGE, { ...wheel, name: "found" });
    expect((await door.knock({ path: `${AUDIT}/${signature.signature_id}` })).json()).toEqual({
      ...signature,
      manifest,
    });
    const path = `${SIGNATURES}?digest=${signature.artefact_digest}&type=python_package&signer=clara&page_size=1`;
    expect((await door.knock({ path })).json()).toMatchObject({ signatures: [signature] });
    const as = door.stranger;
    expect(await refused(door.knock({ path: `${AUDIT}/${signature.signature_id}`, as }))).toEqual([404, "NOT_FOUND"]);
    expect((await door.knock({ path, as })).json()).toEqual({ signatures: [] });
  });

  it.each<[string, object, number, string]>([
    ["without files", { files: [] }, 400, "REQUEST_MALFORMED"],
    ["with a shard without its end", { files: [{ ...file("a"), shard: { start: 0 } }] }, 400, "REQUEST_MALFORMED"],
    ["with shards of no size", { files: [{ ...file("a"), shard: { start: 0, end: 1 } }] }, 400, "REQUEST_MALFORMED"],
    ["with shards in a manifest", { ...sharded, format: undefined }, 400, "REQUEST_MALFORMED"],
    ["with a digest of another hash", { files: [{ path: "a", sha256: "00" }] }, 400, "REQUEST_MALFORMED"],
    ["with a path out of its directory", { files: [file("../a")] }, 400, "NAME_MALFORMED"],
    ["with a path twice", { files: [file("a"), file("a")] }, 400, "NAME_MALFORMED"],
    ["with paths that only case tells apart", { files: [file("a"), file("A")] }, 400, "NAME_MALFORMED"],
    ["with metadata that nobody knows", { metadata: { colour: "blue" } }, 400, "ARTEFACT_MALFORMED"],
    ["with more than is known", { more: 1 }, 400, "REQUEST_MALFORMED"],
  ])("%s is refused", async (_what, fields, status, code) => {
    expect(await refused(door.knock({ path: PACKAGE, body: { ...wheel, ...fields } }))).toEqual([status, code]);
  });

  it("of no type, of a signer that is not there, or too large, is refused", async () => {
    const nothing = await door.knock({ path: "/api/v1/sign/poem", body: wheel });
    expect(nothing.status).toBe(400);
    const nobody = await door.knock({ path: PACKAGE, body: { ...wheel, signer: "nobody" } });
    expect(nobody.status).toBeGreaterThanOrEqual(400);
    const large = { ...wheel, name: "x".repeat(17 << 20) };
    expect(await refused(door.knock({ path: PACKAGE, body: large }))).toEqual([413, "REQUEST_TOO_LARGE"]);
  });
});

describe("what became of what was signed", () => {
  const base = `sha256:${sha256("the base model")}`;
  const adapter = (name: string) => ({
    ...{ name, shape: "directory", files: [file("adapter_config.json"), file(`${name}.safetensors`)] },
    metadata: { baseModel: { digest: base }, datasets: [{ name: "urteile-2025" }], riskClass: "high" },
  });

  it("is its lineage", async () => {
    const { artefact_digest } = await signed(ADAPTER, adapter("one"), door.clara);
    const { downstream } = (await door.knock({ path: `/api/v1/lineage/${base}` })).json();
    expect(downstream).toContainEqual({ artefact_digest, relation: "base-model", source_digest: base });
    const { upstream } = (await door.knock({ path: `/api/v1/lineage/${artefact_digest}`, as: door.clara })).json();
    expect(upstream).toContainEqual({ artefact_digest, relation: "dataset", source_name: "urteile-2025" });
    const foreign = await door.knock({ path: `/api/v1/lineage/${base}`, as: door.stranger });
    expect(foreign.json()).toEqual({ upstream: [], downstream: [] });
  });

  it("is who used it, by their own word", async () => {
    const { signature_id } = await signed(ADAPTER, adapter("two"), door.clara);
    const path = `${AUDIT}/${signature_id}/usage`;
    await door.knock({ path, body: { action: "loaded", context: "vllm" }, as: door.clara });
    const answer = await door.knock({ path });
    expect(answer.json()).toMatchObject({ loaded: 1, verified: 0, usages: [{ action: "loaded", context: "vllm" }] });
    expect(await refused(door.knock({ path, as: door.stranger }))).toEqual([404, "NOT_FOUND"]);
    expect(await refused(door.knock({ path, body: { action: "eaten" } }))).toEqual([400, "REQUEST_MALFORMED"]);
  });

  it("is its recall, tried out first, with all that was made from it", async () => {
    const { artefact_digest, signature_id } = await signed(ADAPTER, adapter("three"), door.clara);
    const recall = async (more: object) =>
      (await door.knock({ path: "/api/v1/recalls", body: { digest: base, reason: "poisoned", ...more } })).json();
    expect((await recall({ dry_run: true })).artefact_digests).toContain(artefact_digest);
    expect((await door.knock({ path: `${AUDIT}/${signature_id}` })).json().recalled_at).toBeUndefined();
    expect(await recall({})).toMatchObject({ recall_id: expect.any(String), reason: "poisoned" });
    expect((await door.knock({ path: `${AUDIT}/${signature_id}` })).json().recalled_at).toEqual(expect.any(String));
    const again = door.knock({ path: ADAPTER, body: adapter("four"), as: door.clara });
    expect((await refused(again))[1]).toBe("ARTEFACT_RECALLED");
    const found = (await door.knock({ path: `/api/v1/recalls?digest=${artefact_digest}` })).json();
    expect(found.recalls).toMatchObject([{ reason: "poisoned" }]);
    expect((await door.knock({ path: "/api/v1/recalls", as: door.stranger })).json()).toEqual({ recalls: [] });
  });

  it.each<[string, object]>([
    ["of nothing", { reason: "x" }],
    ["of two things", { digest: base, dataset: "d", reason: "x" }],
    ["without reason", { digest: base }],
    ["of no signer since a time", { digest: base, since: "2026-01-01T00:00:00Z", reason: "x" }],
    ["with more than is known", { digest: base, reason: "x", more: 1 }],
  ])("is no recall %s", async (_what, body) => {
    expect(await refused(door.knock({ path: "/api/v1/recalls", body }))).toEqual([400, "REQUEST_MALFORMED"]);
  });

  it("is recalled by administrators alone", async () => {
    const body = { digest: base, reason: "x" };
    const answer = door.knock({ path: "/api/v1/recalls", body, as: door.clara });
    expect(await refused(answer)).toEqual([403, "CALLER_NOT_ALLOWED"]);
  });
});

describe("a statement", () => {
  it("may list shards of large files", async () => {
    const { bundle } = await signed(PACKAGE, { ...wheel, ...sharded });
    const { dsseEnvelope } = JSON.parse(bundle ?? "");
    const { predicate } = JSON.parse(Buffer.from(dsseEnvelope.payload, "base64").toString());
    expect(predicate.serialization).toMatchObject({ method: "shards", shard_size: SHARD });
    expect(predicate.resources.map(({ name }: { name: string }) => name)).toEqual(["a:0:1048576", "a:1048576:1048577"]);
  });

  it.each(["oms", "sigstore", "attestation"])("of the form %s is a bundle with a time stamp", async (format) => {
    const signature = await signed(PACKAGE, { ...wheel, name: format, format });
    const bundle = JSON.parse(signature.bundle ?? "");
    expect(bundle.mediaType).toBe("application/vnd.dev.sigstore.bundle.v0.3+json");
    expect(bundle.verificationMaterial.timestampVerificationData.rfc3161Timestamps).toHaveLength(1);
    expect([signature.format, signature.signature, signature.manifest]).toEqual([format, undefined, undefined]);
  });

  it("about a distribution is the attestation object of PEP 740", async () => {
    const files = [file("recht-1.2-py3-none-any.whl")];
    const body = { name: "recht", shape: "file", files, signer: "clara", format: "publish" };
    const { bundle, format } = await signed(PACKAGE, body);
    expect([format, Object.keys(JSON.parse(bundle ?? ""))]).toEqual([
      ...["publish", ["version", "verification_material", "envelope"]],
    ]);
    const other = { ...body, files: [file("recht.py")] };
    expect(await refused(door.knock({ path: PACKAGE, body: other }))).toEqual([400, "STATEMENT_MALFORMED"]);
  });

  it("about a container's image is by its digest alone, as nothing with files is", async () => {
    const digest = `sha256:${sha256("an image")}`;
    const image = { name: "registry.vcc.internal/argus", shape: "digest", digest, signer: "clara" };
    const ask = (fields: object, path = "/api/v1/sign/container-image") =>
      door.knock({ path, body: { ...image, ...fields } });
    expect((await ask({})).json()).toMatchObject({ format: "attestation", artefact_digest: digest });
    expect(await refused(ask({}, PACKAGE))).toEqual([422, "ARTEFACT_NOT_ADMITTED"]);
    for (const fields of [
      { files: [file("a")] },
      { digest: undefined },
      { shape: "file" },
      { format: "oms" },
      { digest: "sha256:0" },
    ])
      expect(await refused(ask(fields))).toEqual([400, "REQUEST_MALFORMED"]);
  });

  it("of another form is malformed", async () => {
    const answer = door.knock({ path: PACKAGE, body: { ...wheel, format: "pgp" } });
    expect(await refused(answer)).toEqual([400, "REQUEST_MALFORMED"]);
  });
});

describe("a digest", () => {
  const digest = sha256("a batch of a log");
  const hash_b64 = Buffer.from(digest, "hex").toString("base64");
  const content = { hash: "sha256", digest: Buffer.from(digest, "hex") } as const;

  it("is signed in ThemisDB's words, by the service that its certificate names", async () => {
    const ask = (body: object, as = door.clara) => door.knock({ path: HASH, body: { hash_b64, ...body }, as });
    const answer = await ask({ service_id: "clara", algorithm: "ECDSA-SHA256" });
    expect([answer.status, Object.keys(answer.json())]).toEqual([
      200,
      ["signature_b64", "signature_id", "cert_serial"],
    ]);
    expect(faults(answer.json().signature_b64 as string, content)).toEqual([]);
    expect(await refused(ask({ service_id: "argus" }))).toEqual([403, "CALLER_NOT_ALLOWED"]);
    expect(await refused(ask({ service_id: "clara" }, door.argus))).toEqual([403, "CALLER_NOT_ALLOWED"]);
    expect(await refused(ask({ service_id: "clara", algorithm: "RSA-SHA256" }))).toEqual([
      400,
      "ALGORITHM_NOT_ALLOWED",
    ]);
    expect((await ask({ service_id: "argus" }, door.argus)).status).toBeGreaterThanOrEqual(400); // it has no signer
  });

  it("is signed and stamped", async () => {
    const signature = await signed(STAMPED, { digest }, door.clara);
    expect([signature.format, signature.artefact_digest]).toEqual(["digest", `sha256:${digest}`]);
    expect(faults(signature.signature, content)).toEqual([]);
  });

  it.each<[string, string, object]>([
    [HASH, "of another hash", { hash_b64: "AAAA", service_id: "clara" }],
    [HASH, "that is not base64", { hash_b64: "*".repeat(44), service_id: "clara" }],
    [HASH, "for nobody", { hash_b64 }],
    [HASH, "under another algorithm", { hash_b64, service_id: "clara", algorithm: "none" }],
    [STAMPED, "of another hash", { digest: "00" }],
    [STAMPED, "with more than is known", { digest, more: 1 }],
  ])("at %s %s is malformed", async (path, _what, body) => {
    expect(await refused(door.knock({ path, body, as: door.clara }))).toEqual([400, "REQUEST_MALFORMED"]);
  });
});

describe.each<[string, object | undefined]>([
  [SIGNERS, { signer: "x" }],
  [SIGNERS, undefined],
  [PACKAGE, wheel],
  [STAMPED, { digest: sha256("x") }],
  [`${AUDIT}/x`, undefined],
  [SIGNATURES, undefined],
  ["/api/v1/recalls", undefined],
  [`/api/v1/lineage/sha256:${sha256("x")}`, undefined],
])("%s", (path, body) => {
  it("is for nobody without a certificate", async () => {
    expect(await refused(door.knock({ path, body, as: undefined }))).toEqual([401, "CALLER_UNAUTHENTICATED"]);
  });

  it("answers PEER_UNAVAILABLE while signing is away", async () => {
    expect(await refused(door.knockWithoutSigning({ path, body }))).toEqual([503, "PEER_UNAVAILABLE"]);
  });
});
