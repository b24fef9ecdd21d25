import { hash, randomUUID } from "node:crypto";
import { type Artefact, type RecallRequest, Shape } from "@vcc-pki/proto/signing";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ADMIN, CLARA, newSigning, type SigningHarness, STRANGER } from "./harness.ts";
import { artefact, manifestRequest, resourcesOf } from "./requests.ts";

let harness: SigningHarness;

beforeEach(async () => {
  harness = await newSigning();
  await harness.createSigner("clara");
  await harness.createSigner("covina");
});
afterEach(() => harness.close());

const digestOf = (content: string) => `sha256:${hash("sha256", content)}`;
const FOREIGN_MODEL = digestOf("somebody else's model");

/** Model weights that are one file with this content. */
const model = (content: string, metadata: object = {}): Artefact =>
  artefact({
    ...{ type: "model_weights", name: content, shape: Shape.FILE },
    resources: resourcesOf({ "model.safetensors": content }),
    metadataJson: JSON.stringify({ riskClass: "limited", ...metadata }),
  });
const sign = (signed: Artefact, signer = "clara") =>
  harness.as().signatures.signManifest(manifestRequest({ signer, artefact: signed }));
const recall = (target: RecallRequest["target"], fields: Partial<RecallRequest> = {}, requester = ADMIN) =>
  harness.as(requester).recalls.recall({
    ...{ requestId: randomUUID(), target, reason: "trained on what it should not know", dryRun: false },
    ...fields,
  });
const ofDigest = (value: string) => ({ $case: "artefactDigest", value }) as const;
const ofDataset = (value: string) => ({ $case: "dataset", value }) as const;
const ofSigner = (signer: string, since?: Date, signerKeyId = "") =>
  ({ $case: "signerSince", value: { signer, signerKeyId, since } }) as const;
const lineageOf = (artefactDigest: string) => harness.as().signatures.getLineage({ artefactDigest });
const count = (table: string) =>
  harness.store.db.prepare<[], { n: number }>(`SELECT count(*) AS n FROM ${table}`).get()?.n;

/** A foreign model, one made from it on a dataset, one made from that, and one that has nothing to do with them. */
async function family() {
  const child = await sign(model("child", { baseModel: { digest: FOREIGN_MODEL }, datasets: [{ name: "bauakten" }] }));
  const grandchild = await sign(model("grandchild", { baseModel: { digest: child.artefactDigest } }), "covina");
  const other = await sign(model("other"));
  return { child, grandchild, other };
}

describe("lineage", () => {
  it("leads from an artefact to what it was made from and to what was made from it", async () => {
    const { child, grandchild } = await family();
    const toForeign = { artefactDigest: child.artefactDigest, relation: "base-model", sourceDigest: FOREIGN_MODEL };
    const toData = { artefactDigest: child.artefactDigest, relation: "dataset", sourceName: "bauakten" };
    const toChild = { artefactDigest: grandchild.artefactDigest, sourceDigest: child.artefactDigest };
    const { upstream, downstream } = await lineageOf(child.artefactDigest);
    expect(upstream).toMatchObject([toForeign, toData]);
    expect(downstream).toMatchObject([toChild]);
    expect((await lineageOf(grandchild.artefactDigest)).upstream).toHaveLength(3);
    expect((await lineageOf(FOREIGN_MODEL)).downstream).toHaveLength(2);
  });

  it("that runs in a circle comes to an end", async () => {
    const own = digestOf("own");
    const made = await sign(model("own", { baseModel: { digest: own } }));
    expect(made.artefactDigest).toBe(own);
    expect(await lineageOf(own)).toMatchObject({
      upstream: [{ sourceDigest: own }],
      downstream: [{ sourceDigest: own }],
    });
    expect(await recall(ofDigest(own))).toMatchObject({ count: 1 });
  });

  it("is an organisation's own", async () => {
    const { child } = await family();
    const foreign = await harness.as(STRANGER).signatures.getLineage({ artefactDigest: child.artefactDigest });
    expect(foreign).toEqual({ upstream: [], downstream: [] });
    await expect(lineageOf("sha256:x")).rejects.toMatchObject({ code: "REQUEST_MALFORMED" });
  });
});

describe("a recall", () => {
  it("of a model that was never signed here takes along what was made from it", async () => {
    const { child, grandchild, other } = await family();
    const affected = [FOREIGN_MODEL, child.artefactDigest, grandchild.artefactDigest].sort();
    expect(await recall(ofDigest(FOREIGN_MODEL))).toMatchObject({
      count: 3,
      artefactDigests: affected,
      requester: ADMIN,
    });
    const { signatures } = harness.as();
    const isRecalled = async (signatureId: string) =>
      (await signatures.getSignature({ signatureId })).recalledAt !== undefined;
    expect(await Promise.all([child, grandchild, other].map((made) => isRecalled(made.signatureId)))).toEqual([
      ...[true, true, false],
    ]);
  });

  it("of a dataset is of all that was trained on it, and what was made from that", async () => {
    const { child, grandchild } = await family();
    const { artefactDigests } = await recall(ofDataset("bauakten"));
    expect(artefactDigests).toEqual([child.artefactDigest, grandchild.artefactDigest].sort());
    expect(await recall(ofDataset("nothing"))).toMatchObject({ count: 0 });
  });

  it("of a signer, or one of its keys, is of what was signed from a time on", async () => {
    const { grandchild } = await family();
    harness.clock.advance(60_000);
    const since = harness.clock.now();
    harness.clock.advance(1_000);
    const late = await sign(model("late"), "covina");
    expect(await recall(ofSigner("covina", since), { dryRun: true })).toMatchObject({
      artefactDigests: [late.artefactDigest],
    });
    const { keys } = await harness.as().signers.listSigners({ signer: "covina" });
    expect(await recall(ofSigner("covina", undefined, keys[0]?.signerKeyId))).toMatchObject({
      artefactDigests: [grandchild.artefactDigest, late.artefactDigest].sort(),
    });
    expect(await recall(ofSigner("clara", undefined, keys[0]?.signerKeyId))).toMatchObject({ count: 0 });
  });

  it("that is only tried out changes nothing", async () => {
    const { child } = await family();
    const tried = await recall(ofDigest(child.artefactDigest), { dryRun: true });
    expect(tried).toMatchObject({ recallId: "", count: 2, recalledAt: undefined });
    expect([count("recalls"), count("recalled_artefacts")]).toEqual([0, 0]);
    await sign(model("another", { baseModel: { digest: child.artefactDigest } }));
  });

  it("keeps what is recalled, and what is made from it, from being signed again", async () => {
    await recall(ofDigest(FOREIGN_MODEL));
    await recall(ofDigest(digestOf("bad")));
    const code = "ARTEFACT_RECALLED";
    const onForeign = model("new", { baseModel: { digest: FOREIGN_MODEL } });
    await expect(sign(onForeign)).rejects.toMatchObject({ code, details: { digest: FOREIGN_MODEL } });
    const onData = model("new", { datasets: [{ name: "some", digest: digestOf("bad") }] });
    await expect(sign(onData)).rejects.toMatchObject({ code });
    await expect(sign(model("bad"))).rejects.toMatchObject({ code });
    const sha256 = [hash("sha256", "bad", "buffer")];
    const digests = { requestId: randomUUID(), signer: "", sha256 };
    await expect(harness.as(CLARA).signatures.signDigests(digests)).rejects.toMatchObject({ code });
    await sign(model("new"));
  });

  it("that comes while something is being signed reaches it", async () => {
    let commits = 0;
    let recalling: Promise<unknown> = Promise.resolve();
    harness.storeFaults.beforeCommit = () => {
      // The first commit is the intent: the recall is queued while peers are asked.
      if (++commits === 1) recalling = recall(ofDigest(FOREIGN_MODEL));
    };
    const onForeign = model("new", { baseModel: { digest: FOREIGN_MODEL } });
    await expect(sign(onForeign)).rejects.toMatchObject({ code: "ARTEFACT_RECALLED" });
    await recalling;
    expect(count("vcc_code_signatures")).toBe(0);
  });

  it("stands on record, is told by an event, and is found again", async () => {
    const { child } = await family();
    const made = await recall(ofDigest(child.artefactDigest));
    const { recalls } = harness.as();
    expect((await recalls.listRecalls({ artefactDigest: "" })).recalls).toEqual([made]);
    expect((await recalls.listRecalls({ artefactDigest: child.artefactDigest })).recalls).toEqual([made]);
    expect((await recalls.listRecalls({ artefactDigest: FOREIGN_MODEL })).recalls).toEqual([]);
    const entry = harness.store.audit.read(0, 1_000).find(({ action }) => action === "artefact.recall");
    expect(entry).toMatchObject({ outcome: "done", target: made.recallId, details: { kind: "artefact", count: 2 } });
    const told = harness.store.outbox.pending(1_000).find(({ type }) => type === "pki.artefact.recalled.v1");
    expect(told?.data).toEqual({ recallId: made.recallId, target: "artefact", count: 2 });
  });

  it.each(["beforeCommit", "afterCommit"] as const)("that fails %s is made once by its repeat", async (kind) => {
    const requestId = randomUUID();
    harness.storeFaults[kind] = () => {
      throw new Error("the process dies here");
    };
    await expect(recall(ofDigest(FOREIGN_MODEL), { requestId })).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
    delete harness.storeFaults[kind];
    await harness.restart();
    const made = await recall(ofDigest(FOREIGN_MODEL), { requestId });
    expect(await recall(ofDigest(FOREIGN_MODEL), { requestId })).toEqual(made);
    expect([count("recalls"), count("recalled_artefacts")]).toEqual([1, 1]);
    await expect(recall(ofDigest(digestOf("x")), { requestId })).rejects.toMatchObject({ code: "REQUEST_ID_REUSED" });
  });

  it("is for administrators, and of their own organisation", async () => {
    const { child } = await family();
    const target = ofDigest(child.artefactDigest);
    await expect(recall(target, {}, CLARA)).rejects.toMatchObject({ code: "CALLER_NOT_ALLOWED" });
    expect(await recall(target, {}, STRANGER)).toMatchObject({ count: 1 });
    expect((await harness.as().recalls.listRecalls({ artefactDigest: "" })).recalls).toEqual([]);
    expect(await harness.as().signatures.getSignature({ signatureId: child.signatureId })).toMatchObject({
      recalledAt: undefined,
    });
  });

  it.each([
    ["nothing", undefined, {}],
    ["no digest", ofDigest("sha256:0"), {}],
    ["no signer", ofSigner("../x"), {}],
    ["no dataset", ofDataset(" "), {}],
    ["a control character", ofDataset("a\nb"), {}],
    ["without reason", ofDataset("a"), { reason: "" }],
    ["with too long a reason", ofDataset("a"), { reason: "x".repeat(501) }],
    ["without request id", ofDataset("a"), { requestId: "" }],
  ])("of %s is refused", async (_, target, fields) => {
    await expect(recall(target, fields)).rejects.toMatchObject({ code: "REQUEST_MALFORMED" });
  });
});
