import { hash, randomUUID } from "node:crypto";
import { MANIFEST_MIME_TYPE, MIN_SHARD_OCTETS, VERDICTS } from "@vcc-pki/artefact";
import { RevocationReason } from "@vcc-pki/proto/ca";
import {
  type DigestSignature,
  Shape,
  type Signature,
  type VerifyDigestsRequest,
  type VerifyRequest,
  type VerifyResponse,
} from "@vcc-pki/proto/signing";
import { subjectAltName } from "@vcc-pki/x509";
import { makeCa } from "@vcc-pki/x509/test-authority";
import { makeList } from "@vcc-pki/x509/test-chain";
import { makeCodeSigner, signDetached } from "@vcc-pki/x509/test-code-signer";
import { makeUnit } from "@vcc-pki/x509/test-time-stamping-unit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ADMIN, CLARA, newSigning, type SigningHarness, STRANGER } from "./harness.ts";
import { ADAPTER_FILES, artefact, BASE_MODEL, digestsRequest, manifestRequest, resourcesOf } from "./requests.ts";

let harness: SigningHarness;
let made: Signature;

beforeAll(async () => {
  harness = await newSigning();
  await harness.createSigner("clara");
  await harness.createSigner("covina");
  made = await harness.as().signatures.signManifest(manifestRequest());
  await harness.publishLists();
});
afterAll(() => harness.close());

const filesOf = (files: Readonly<Record<string, string>>): VerifyRequest["there"] => ({
  ...{ $case: "files", value: { shape: Shape.DIRECTORY, resources: resourcesOf(files) } },
});
const manifestOf = ({ manifest, signedDataDer }: Signature): VerifyRequest["material"] => ({
  ...{ $case: "manifest", value: { manifest, signedDataDer } },
});
const question = (fields: Partial<VerifyRequest> = {}): VerifyRequest => ({
  ...{ requestId: randomUUID(), policy: "", type: "", material: manifestOf(made), there: filesOf(ADAPTER_FILES) },
  ...{ expected: undefined, anchorsDer: [], issuers: [], certificatesDer: [], crlsDer: [], ocspResponsesDer: [] },
  ...fields,
});
const verify = (fields?: Partial<VerifyRequest>, requester?: string, caller?: string) =>
  harness.as(requester, caller).verification.verify(question(fields));
const faultsOf = ({ ok, verdicts }: VerifyResponse) => {
  const faults = verdicts.filter((verdict) => !verdict.ok);
  expect(ok).toBe(faults.length === 0);
  return faults.map(({ code }) => code);
};
const faults = async (fields: Partial<VerifyRequest>, requester?: string) => faultsOf(await verify(fields, requester));
const flipped = (octets: Uint8Array, at: number) => octets.map((octet, index) => (index === at ? octet ^ 1 : octet));
const usageOf = (signatureId: string) => harness.as().signatures.getUsage({ signatureId });

describe("what was signed", () => {
  it("may be used, by every check, and is told with who signed it", async () => {
    const { verdicts, ...answer } = await verify();
    expect(answer).toEqual({
      ...{ ok: true, artefactDigest: made.artefactDigest, type: "lora_adapter", name: "bauordnung", version: "1.2.0" },
      metadataJson: `{"baseModel":{"digest":"${BASE_MODEL}","name":"clara-7b"},"riskClass":"limited"}`,
      ...{ signerUri: CLARA, genTime: made.genTime, signatureId: made.signatureId },
    });
    expect(verdicts.map(({ name }) => name)).toEqual(expect.arrayContaining(["revocation-known", "recall-known"]));
    expect(verdicts).toContainEqual({ name: "recall", ok: true, code: "", reasonEn: "", reasonDe: "", detail: "" });
  });

  it("may be used by its digest, in each format", async () => {
    const there: VerifyRequest["there"] = { $case: "artefactDigest", value: made.artefactDigest };
    expect(await faults({ there })).toEqual([]);
    for (const format of ["oms", "sigstore", "attestation"]) {
      const { bundleJson } = await harness.as().signatures.signStatement({ ...manifestRequest(), format });
      const material: VerifyRequest["material"] = { $case: "bundleJson", value: bundleJson };
      expect(await faults({ material, there }), format).toEqual([]);
      expect(await faults({ material }), format).toEqual([]);
      const other = `sha256:${"0".repeat(64)}`;
      expect(await faults({ material, there: { $case: "artefactDigest", value: other } })).toEqual([
        "RESOURCE_CHANGED",
      ]);
    }
  });

  it("may be used by its shards, and not by its files, when shards were signed", async () => {
    const shardOctets = MIN_SHARD_OCTETS;
    const resources = resourcesOf(ADAPTER_FILES).map((resource, i) => ({
      ...{ ...resource, shard: { start: 0, end: Object.values(ADAPTER_FILES)[i]?.length ?? 0 } },
    }));
    const sharded = artefact({ shardOctets, resources });
    const { bundleJson } = await harness.as().signatures.signStatement({
      ...{ ...manifestRequest({ artefact: sharded }), format: "oms" },
    });
    const material: VerifyRequest["material"] = { $case: "bundleJson", value: bundleJson };
    const value = { shape: Shape.DIRECTORY, resources, shardOctets };
    expect(await faults({ material, there: { $case: "files", value } })).toEqual([]);
    expect(await faults({ material })).not.toEqual([]);
    const [first, ...rest] = resources as [(typeof resources)[number], ...typeof resources];
    const changed = { ...value, resources: [{ ...first, sha256: Buffer.alloc(32) }, ...rest] };
    expect(await faults({ material, there: { $case: "files", value: changed } })).toEqual(["RESOURCE_CHANGED"]);
    const mixed = { ...value, resources: [...rest, { ...first, shard: undefined }] };
    await expect(verify({ material, there: { $case: "files", value: mixed } })).rejects.toMatchObject({
      code: "REQUEST_MALFORMED",
    });
  });

  it.each<[string, () => Partial<VerifyRequest>, string[]]>([
    ["a changed file", () => ({ there: filesOf({ ...ADAPTER_FILES, "README.md": "x" }) }), ["RESOURCE_CHANGED"]],
    ["a file more", () => ({ there: filesOf({ ...ADAPTER_FILES, "more.txt": "x" }) }), ["RESOURCE_EXTRA"]],
    [
      "a path upwards",
      () => ({ there: filesOf({ ...ADAPTER_FILES, "../x": "x" }) }),
      ["RESOURCE_NAMES_AMBIGUOUS", "RESOURCE_EXTRA"],
    ],
    ["another type", () => ({ type: "workflow" }), ["ARTEFACT_TYPE_NOT_ALLOWED"]],
    ["a policy for other types", () => ({ policy: "digests" }), ["ARTEFACT_TYPE_NOT_ALLOWED"]],
    ["another version", () => ({ expected: { name: "", version: "2", baseModel: "" } }), ["ARTEFACT_OTHER"]],
    [
      "another base",
      () => ({ expected: { name: "", version: "", baseModel: made.artefactDigest } }),
      ["BASE_MODEL_OTHER"],
    ],
    [
      "no signature",
      () => ({ material: manifestOf({ ...made, signedDataDer: Buffer.from("no") }) }),
      ["SIGNATURE_MALFORMED"],
    ],
    ["no bundle", () => ({ material: { $case: "bundleJson", value: Buffer.from("{}") } }), ["SIGNATURE_MALFORMED"]],
    [
      "a changed manifest",
      () => ({ material: manifestOf({ ...made, manifest: flipped(made.manifest, 200) }) }),
      ["CONTENT_CHANGED"],
    ],
  ])("may not be used with %s", async (_, fields, codes) => {
    expect(await faults(fields())).toEqual(expect.arrayContaining(codes));
    const { artefactDigest, type, name, signerUri, signatureId, verdicts } = await verify(fields());
    expect([artefactDigest, type, name, signerUri, signatureId]).toEqual(Array(5).fill(""));
    const failed = verdicts.find(({ ok }) => !ok);
    const row = Object.values(VERDICTS).find(({ code }) => code === failed?.code);
    expect([failed?.reasonEn, failed?.reasonDe]).toEqual([row?.en, row?.de]);
  });

  it("is of the requester's organisation, unless a policy says otherwise", async () => {
    expect(await faults({}, STRANGER)).toEqual(expect.arrayContaining(["IDENTITY_NOT_ALLOWED", "ORGANISATION_OTHER"]));
  });

  it("may not be used once it is recalled", async () => {
    const files = { ...ADAPTER_FILES, "README.md": "to be recalled" };
    const request = manifestRequest({ artefact: artefact({ resources: resourcesOf(files) }) });
    const recalled = await harness.as().signatures.signManifest(request);
    const asked = { material: manifestOf(recalled), there: filesOf(files) };
    expect(await faults(asked)).toEqual([]);
    const target = { $case: "artefactDigest", value: recalled.artefactDigest } as const;
    await harness.as().recalls.recall({ requestId: randomUUID(), target, reason: "poisoned", dryRun: false });
    expect(await faults(asked)).toEqual(["RECALLED"]);
  });

  it("may not be used when its signer's certificate is revoked for a compromise", async () => {
    await harness.createSigner("argus");
    const signed = await harness.as().signatures.signManifest(manifestRequest({ signer: "argus" }));
    expect(await faults({ material: manifestOf(signed) })).toEqual([]);
    harness.clock.advance(2_000);
    await harness.ca.as("gateway", ADMIN).certificates.revoke({
      ...{
        requestId: randomUUID(),
        organisation: "brandenburg",
        certificateId: `vcc-code-signing-ca:${signed.signerSerialHex}`,
      },
      ...{ reason: RevocationReason.KEY_COMPROMISE, invalidityDate: undefined },
    });
    await harness.publishLists();
    expect(await faults({ material: manifestOf(signed) })).toEqual(["CERTIFICATE_REVOKED"]);
  });
});

describe("whom else a question trusts", () => {
  const root = makeCa("Foreign Root");
  const signers = makeCa("Foreign Signers", {}, root);
  const units = makeCa("Foreign Units", {}, root);
  const subjectAltNames = subjectAltName({ uri: [CLARA] });
  const signer = makeCodeSigner({ ca: signers, extensions: { subjectAltName: subjectAltNames } });
  const cms = () => signDetached(signer, made.manifest, makeUnit({ ca: units }), { mimeType: MANIFEST_MIME_TYPE });
  const anchorsDer = [root.certificate.der];
  const certificatesDer = [units.certificate.der];
  const issuers = [`sha256:${hash("sha256", signers.spkiDer)}`];
  const asked = () => ({ material: manifestOf({ ...made, signedDataDer: cms() }) });

  it("is nobody unless it says so", async () => {
    expect(await faults(asked())).toEqual(expect.arrayContaining(["TIME_STAMP_NOT_TRUSTED"]));
    expect(await faults({ ...asked(), anchorsDer })).toContain("TIME_STAMP_NOT_TRUSTED"); // by no list that says it is good
  });

  it("are roots and issuers beside the suite's own, and what then holds is not counted", async () => {
    const crlsDer = [root, signers, units].map((authority) => makeList(authority).der);
    expect(await faults({ ...asked(), anchorsDer, certificatesDer, crlsDer })).toEqual(["ISSUER_NOT_ALLOWED"]);
    const { ok, signatureId } = await verify({ ...asked(), anchorsDer, certificatesDer, crlsDer, issuers });
    expect([ok, signatureId]).toEqual([true, ""]);
    const before = (await usageOf(made.signatureId)).verified;
    expect((await verify({ anchorsDer })).ok).toBe(true);
    expect((await usageOf(made.signatureId)).verified).toBe(before);
  });
});

describe("a verification", () => {
  const counted = async (signatureId: string) => (await usageOf(signatureId)).verified;

  it("is counted in the signature's record, once under one request id, by an event", async () => {
    const signed = await harness.as().signatures.signManifest(manifestRequest());
    const asked = { material: manifestOf(signed), requestId: randomUUID() };
    await verify(asked);
    await verify(asked);
    await verify({ ...asked, requestId: randomUUID() }, CLARA);
    await verify({ ...asked, requestId: randomUUID(), type: "workflow" });
    expect(await counted(signed.signatureId)).toBe(2);
    await expect(verify({ ...asked, type: "lora_adapter" })).rejects.toMatchObject({ code: "REQUEST_ID_REUSED" });
    const told = harness.store.outbox.pending(10_000).filter(({ type }) => type === "pki.artefact.verified.v1");
    const { signatureId, artefactDigest } = signed;
    expect(told.at(-1)?.data).toEqual({ signatureId, artefactDigest, policy: "artefacts", count: 1 });
    const audited = harness.store.audit.read(0, 10_000).filter(({ target }) => target === signatureId);
    expect(audited.map(({ action }) => action)).toEqual(["artefact.sign", "artefact.verify", "artefact.verify"]);
  });

  it.each(["beforeCommit", "afterCommit"] as const)("is counted once when its commit failed %s", async (kind) => {
    const signed = await harness.as().signatures.signManifest(manifestRequest());
    const asked = { material: manifestOf(signed), requestId: randomUUID() };
    harness.storeFaults[kind] = () => {
      throw new Error("the process dies here");
    };
    await expect(verify(asked)).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
    delete harness.storeFaults[kind];
    await harness.restart();
    expect((await verify(asked)).ok).toBe(true);
    expect(await counted(signed.signatureId)).toBe(1);
  });

  it.each<[string, Partial<VerifyRequest>, string]>([
    ["without request id", { requestId: "" }, "REQUEST_MALFORMED"],
    ["of nothing", { material: undefined }, "REQUEST_MALFORMED"],
    ["of what is not said to be there", { there: undefined }, "REQUEST_MALFORMED"],
    ["of a digest that is none", { there: { $case: "artefactDigest", value: "sha256:00" } }, "REQUEST_MALFORMED"],
    [
      "of no shape",
      { there: { $case: "files", value: { shape: Shape.UNSPECIFIED, resources: [] } } },
      "REQUEST_MALFORMED",
    ],
    ["of no type", { type: "novel" }, "REQUEST_MALFORMED"],
    ["by no policy", { policy: "constructor" }, "NOT_FOUND"],
    ["by roots that are none", { anchorsDer: [Buffer.from("no")] }, "CERTIFICATE_MALFORMED"],
    ["by issuers that are none", { issuers: ["sha256:zz"] }, "REQUEST_MALFORMED"],
    ["by too much", { crlsDer: Array(33).fill(Buffer.from("x")) }, "REQUEST_MALFORMED"],
  ])("%s is malformed", async (_, fields, code) => {
    await expect(verify(fields)).rejects.toMatchObject({ code });
  });

  it("is asked for through the gateway, by people and workloads", async () => {
    for (const caller of ["tsa", "ca", ADMIN, CLARA])
      await expect(verify({}, undefined, caller)).rejects.toMatchObject({ code: "CALLER_NOT_ALLOWED" });
    await expect(verify({}, "spiffe://vcc.internal/pki/gateway")).rejects.toMatchObject({ code: "CALLER_NOT_ALLOWED" });
  });

  it("is not made while it is not known whom to trust", async () => {
    harness.away.add("ca");
    await harness.restart();
    await expect(verify()).rejects.toMatchObject({ code: "PEER_UNAVAILABLE" });
    harness.away.delete("ca");
    await harness.signing.refresh();
    expect((await verify()).ok).toBe(true);
  });
});

describe("digests", () => {
  const sha256 = hash("sha256", "a log's batch", "buffer");
  const sign = async () =>
    (await harness.as(CLARA).signatures.signDigests(digestsRequest())).signatures[0] as Signature;
  const ask = (items: DigestSignature[], fields: Partial<VerifyDigestsRequest> = {}, requester = CLARA) =>
    harness.as(requester).verification.verifyDigests({ requestId: randomUUID(), signer: "", items, ...fields });

  it("are verified by the hundred, each counted as often as it was asked about", async () => {
    const [{ signedDataDer, signatureId }, second] = [await sign(), await sign()];
    const item = { sha256, signedDataDer };
    const other = { sha256: hash("sha256", "another", "buffer"), signedDataDer };
    const requestId = randomUUID();
    const items = [item, other, item, { sha256, signedDataDer: second.signedDataDer }, item];
    const { results } = await ask(items, { requestId });
    expect(results.map(({ ok }) => ok)).toEqual([true, false, true, true, true]);
    expect(faultsOf(results[1] as VerifyResponse)).toEqual(["CONTENT_CHANGED"]);
    await ask(items, { requestId });
    expect((await usageOf(signatureId)).verified).toBe(3);
    expect((await usageOf(second.signatureId)).verified).toBe(1);
    const told = harness.store.outbox.pending(10_000).filter(({ type }) => type === "pki.artefact.verified.v1");
    expect(told.slice(-2).map(({ data }) => data)).toMatchObject([{ count: 3 }, { count: 1 }]);
  });

  it("are those of the service that asks, or of the one that an administrator names", async () => {
    const { signedDataDer } = await sign();
    const items = [{ sha256, signedDataDer }];
    expect((await ask(items, { signer: "clara" }, ADMIN)).results[0]?.ok).toBe(true);
    const covina = CLARA.replace("clara", "covina");
    expect(faultsOf((await ask(items, {}, covina)).results[0] as VerifyResponse)).toEqual(["IDENTITY_NOT_ALLOWED"]);
    expect(faultsOf((await ask(items, { signer: "clara" }, STRANGER)).results[0] as VerifyResponse)).toEqual(
      expect.arrayContaining(["IDENTITY_NOT_ALLOWED", "ORGANISATION_OTHER"]),
    );
    await expect(ask(items, { signer: "clara" }, covina)).rejects.toMatchObject({ code: "CALLER_NOT_ALLOWED" });
    await expect(ask(items, { signer: "" }, ADMIN)).rejects.toMatchObject({ code: "REQUEST_MALFORMED" });
  });

  it.each<[string, DigestSignature[]]>([
    ["none", []],
    ["too many", Array(101).fill({ sha256, signedDataDer: Buffer.from("x") })],
    ["of another hash", [{ sha256: Buffer.alloc(48), signedDataDer: Buffer.from("x") }]],
  ])("that are %s are malformed", async (_, items) => {
    await expect(ask(items)).rejects.toMatchObject({ code: "REQUEST_MALFORMED" });
  });

  it("of a manifest's own signature do not pass for a digest's", async () => {
    const there: VerifyRequest["there"] = {
      ...{ $case: "artefactDigest", value: `sha256:${hash("sha256", made.manifest)}` },
    };
    const material: VerifyRequest["material"] = { $case: "signedDataDer", value: made.signedDataDer };
    expect(await faults({ policy: "digests", material, there })).toEqual(["SIGNED_AS_SOMETHING_ELSE"]);
  });
});
