import { randomUUID } from "node:crypto";
import type { RecordUsageRequest } from "@vcc-pki/proto/signing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ADMIN, CLARA, newSigning, type SigningHarness, STRANGER } from "./harness.ts";
import { manifestRequest } from "./requests.ts";

let harness: SigningHarness;

beforeAll(async () => {
  harness = await newSigning();
  await harness.createSigner("clara");
});
afterAll(() => harness.close());

const signed = async () => (await harness.as().signatures.signManifest(manifestRequest())).signatureId;
const record = (signatureId: string, fields: Partial<RecordUsageRequest> = {}, requester = CLARA, caller?: string) =>
  harness.as(requester, caller).signatures.recordUsage({
    ...{ requestId: randomUUID(), signatureId, action: "loaded", context: "inference", times: 0, ...fields },
  });
const usageOf = (signatureId: string, requester?: string) => harness.as(requester).signatures.getUsage({ signatureId });

describe("the usage of what was signed", () => {
  it("is counted, with the newest first, on record and told by an event", async () => {
    const signatureId = await signed();
    await record(signatureId, { action: "verified", context: "" });
    await record(signatureId);
    await record(signatureId, { action: "refused" }, ADMIN);
    const { usages, ...counts } = await usageOf(signatureId);
    expect(counts).toEqual({ verified: 1, loaded: 1, refused: 1 });
    expect(usages).toMatchObject([
      { action: "refused", requester: ADMIN },
      { action: "loaded", context: "inference", requester: CLARA, usedAt: harness.clock.now() },
      { action: "verified", context: "" },
    ]);
    const entries = harness.store.audit.read(0, 1_000).filter(({ action }) => action === "artefact.use");
    expect(entries.map(({ target }) => target)).toEqual(Array(3).fill(signatureId));
    const told = harness.store.outbox.pending(1_000).filter(({ type }) => type === "pki.artefact.used.v1");
    expect(told.at(-1)?.data).toMatchObject({ signatureId, usage: "refused" });
  });

  it("is told now and then, of as many times as there were", async () => {
    const signatureId = await signed();
    await record(signatureId, { times: 1_000 });
    await record(signatureId);
    expect(await usageOf(signatureId)).toMatchObject({ loaded: 1_001, usages: [{ times: 1 }, { times: 1_000 }] });
    const told = harness.store.outbox.pending(1_000).map(({ data }) => data);
    expect(told).toContainEqual(expect.objectContaining({ signatureId, usage: "loaded", count: 1_000 }));
  });

  it.each(["beforeCommit", "afterCommit"] as const)("is counted once when its commit failed %s", async (kind) => {
    const signatureId = await signed();
    const requestId = randomUUID();
    harness.storeFaults[kind] = () => {
      throw new Error("the process dies here");
    };
    await expect(record(signatureId, { requestId })).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
    delete harness.storeFaults[kind];
    await harness.restart();
    await record(signatureId, { requestId });
    await record(signatureId, { requestId });
    expect(await usageOf(signatureId)).toMatchObject({ loaded: 1 });
    const code = "REQUEST_ID_REUSED";
    await expect(record(signatureId, { requestId, action: "refused" })).rejects.toMatchObject({ code });
  });

  it.each([
    [{ action: "eaten" }, "REQUEST_MALFORMED"],
    [{ context: "x".repeat(257) }, "REQUEST_MALFORMED"],
    [{ context: "a\nb" }, "REQUEST_MALFORMED"],
    [{ times: 1_000_001 }, "REQUEST_MALFORMED"],
    [{ requestId: "" }, "REQUEST_MALFORMED"],
    [{ signatureId: "unknown" }, "NOT_FOUND"],
  ])("is not recorded as %o: %s", async (fields, code) => {
    await expect(record(await signed(), fields)).rejects.toMatchObject({ code });
  });

  it("is the organisation's own, and comes through the gateway", async () => {
    const signatureId = await signed();
    await expect(record(signatureId, {}, STRANGER)).rejects.toMatchObject({ code: "NOT_FOUND" });
    await expect(usageOf(signatureId, STRANGER)).rejects.toMatchObject({ code: "NOT_FOUND" });
    await expect(record(signatureId, {}, CLARA, CLARA)).rejects.toMatchObject({ code: "CALLER_NOT_ALLOWED" });
    await expect(record(signatureId, {}, "spiffe://vcc.internal/pki/gateway")).rejects.toMatchObject({
      code: "CALLER_NOT_ALLOWED",
    });
  });
});
