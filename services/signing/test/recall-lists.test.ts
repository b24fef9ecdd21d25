import { hash, randomUUID } from "node:crypto";
import {
  type Digest,
  parseTrustPolicy,
  RECALL_SHARDS,
  recallShardOf,
  verifyRecallList,
  verifySignedArtefact,
} from "@vcc-pki/artefact";
import { parseCertificate } from "@vcc-pki/x509";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { newSigning, type SigningHarness } from "./harness.ts";
import { ADAPTER_FILES, manifestRequest } from "./requests.ts";

let harness: SigningHarness;

beforeEach(async () => {
  harness = await newSigning();
});
afterEach(() => harness.close());

const DAY_MS = 86_400_000;
const UNKNOWN: Digest = `sha256:7${"a".repeat(63)}`;

const fetchList = (shard: number | string, init?: RequestInit) =>
  fetch(`http://127.0.0.1:${harness.signing.httpPort}/recall/${shard.toString(16)}.json`, init);
const listOf = async (shard: number) => Buffer.from(await (await fetchList(shard)).arrayBuffer());
const recall = (digest: string) =>
  harness.as().recalls.recall({
    ...{ requestId: randomUUID(), target: { $case: "artefactDigest", value: digest }, reason: "poisoned" },
    dryRun: false,
  });
async function trust() {
  const { issuers } = await harness.ca.as().authorities.listIssuers({});
  const ofIssuer = (id: string) =>
    parseCertificate(issuers.find(({ authorityId }) => authorityId === id)?.certificateDer ?? new Uint8Array());
  const root = ofIssuer("vcc-root-ca");
  return { anchors: [root], timeStampAnchors: [root], intermediates: [ofIssuer("vcc-code-signing-ca")] };
}
const read = async (shard: number) => {
  const at = harness.clock.now();
  const { checks, list } = verifyRecallList({ bundle: await listOf(shard), at, graceMs: 0 }, await trust());
  expect(checks.filter(({ ok }) => !ok)).toEqual([]);
  return list;
};

describe("recall lists", () => {
  it("are there for every shard from the start, signed by the service, with nothing in them", async () => {
    for (let shard = 0; shard < RECALL_SHARDS; shard++) {
      expect(await read(shard)).toMatchObject({ shard, number: 1, entries: [] });
    }
  });

  it("have what is recalled, at once, in the list of its shard alone", async () => {
    await recall(UNKNOWN);
    await expect.poll(async () => (await read(7))?.number).toBe(2);
    expect(await read(7)).toMatchObject({
      entries: [{ organisation: "brandenburg", digest: UNKNOWN, reason: "poisoned" }],
    });
    expect(await read(8)).toMatchObject({ number: 1, entries: [] });
  });

  it("have a relying party refuse an adapter that it accepted before", async () => {
    await harness.createSigner();
    const made = await harness.as().signatures.signManifest(manifestRequest());
    const trusted = await trust();
    const issuer = `sha256:${hash("sha256", trusted.intermediates[0]?.spkiDer ?? "")}`;
    const policy = parseTrustPolicy({
      ...{ issuers: [issuer], identities: ["spiffe://vcc.internal/org/brandenburg/service/clara"] },
      ...{ organisation: "brandenburg", types: ["lora_adapter"], revocation: "where-known", recall: "required" },
    });
    const digest = made.artefactDigest as Digest;
    const shard = recallShardOf(digest);
    const resources = Object.entries(ADAPTER_FILES).map(([path, content]) => ({
      path,
      sha256Hex: hash("sha256", content),
    }));
    const verify = async () =>
      verifySignedArtefact({
        material: { format: "manifest", manifest: made.manifest, cms: made.signedDataDer },
        ...{ observed: { shape: "directory", resources }, trust: trusted, policy },
        recall: { bundle: await listOf(shard), at: harness.clock.now(), graceMs: 0 },
      }).verdicts.flatMap(({ ok, name }) => (ok ? [] : [name]));
    expect(await verify()).toEqual([]);
    await recall(digest);
    await expect.poll(verify).toEqual(["recall"]);
  });

  it("are signed anew after half of their time, and by a new key before its certificate ends", async () => {
    const signerOf = async () => JSON.parse((await listOf(0)).toString()).verificationMaterial;
    const first = await signerOf();
    harness.clock.advance(DAY_MS / 4);
    await harness.signing.refresh();
    expect(await read(0)).toMatchObject({ number: 1 });
    harness.clock.advance(DAY_MS / 4);
    await harness.signing.refresh();
    expect(await read(0)).toMatchObject({ number: 2, thisUpdate: harness.clock.now() });
    expect(await signerOf()).toEqual(first);
    harness.clock.advance(20 * DAY_MS);
    await harness.signing.refresh();
    expect(await read(0)).toMatchObject({ number: 3 });
    expect(await signerOf()).not.toEqual(first);
  });

  it.each(["beforeCommit", "afterCommit"] as const)(
    "are published after a failure %s, their numbers only grow",
    async (kind) => {
      await recall(UNKNOWN);
      harness.storeFaults[kind] = () => {
        throw new Error("the process dies here");
      };
      await harness.signing.refresh();
      delete harness.storeFaults[kind];
      await harness.restart();
      const { number = 0, entries } = (await read(7)) ?? {};
      expect(number).toBeGreaterThan(1);
      expect(entries).toHaveLength(1);
      await harness.restart();
      expect(await read(7)).toMatchObject({ number });
    },
  );

  it("that are there stay when nobody can sign, and go on when somebody can", async () => {
    harness.away.add("hsm-gateway");
    await recall(UNKNOWN);
    await harness.signing.refresh();
    expect(await read(7)).toMatchObject({ number: 1, entries: [] });
    harness.away.clear();
    await harness.signing.refresh();
    expect(await read(7)).toMatchObject({ entries: [{ digest: UNKNOWN }] });
  });
});

describe("the door for recall lists", () => {
  it("answers conditional requests, and lets caches keep a list for seconds", async () => {
    const first = await fetchList(3);
    const etag = first.headers.get("etag") ?? "";
    expect([first.status, first.headers.get("cache-control")]).toEqual([200, "max-age=15"]);
    expect((await fetchList(3, { headers: { "if-none-match": etag } })).status).toBe(304);
    expect((await fetchList(3, { headers: { "if-none-match": '"0"' } })).status).toBe(200);
    expect((await fetchList(3, { method: "HEAD" })).headers.get("etag")).toBe(etag);
  });

  it.each([
    ["GET", "10", 404],
    ["GET", "F", 404],
    ["GET", "..%2f7", 404],
    ["POST", "7", 405],
    ["DELETE", "7", 405],
  ])("answers %s %s with %i", async (method, shard, status) => {
    expect((await fetchList(shard, { method })).status).toBe(status);
  });
});
