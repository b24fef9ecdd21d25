import { hash, randomUUID } from "node:crypto";
import { MIN_SHARD_OCTETS as MIB, parseBundle, parseStatement, shardsDigest } from "@vcc-pki/artefact";
import type { Artefact } from "@vcc-pki/proto/signing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { newSigning, type SigningHarness } from "./harness.ts";
import { artefact, manifestRequest } from "./requests.ts";

let harness: SigningHarness;
beforeAll(async () => {
  harness = await newSigning();
  await harness.createSigner("clara");
});
afterAll(() => harness.close());

const shard = (path: string, start: number, end: number): Artefact["resources"][number] => ({
  ...{ path, shard: { start, end } },
  sha256: hash("sha256", `${path}:${start}`, "buffer"),
});
const CONFIG = shard("adapter_config.json", 0, 100);
const WEIGHTS = [shard("adapter_model.safetensors", MIB, MIB + 5), shard("adapter_model.safetensors", 0, MIB)];
const sharded = (fields: Partial<Artefact> = {}): Artefact =>
  artefact({ resources: [...WEIGHTS, CONFIG], shardOctets: MIB, ...fields });
const sign = (format: string, about: Artefact) =>
  harness.as().signatures.signStatement({ requestId: randomUUID(), signer: "clara", artefact: about, format });

describe("a model in shards", () => {
  it.each(["oms", "sigstore"])(
    "is signed as %s, in its one order, and named by the digest of its shards",
    async (format) => {
      const { bundleJson, artefactDigest } = await sign(format, sharded());
      const statement = parseStatement(parseBundle(bundleJson).envelope.payload);
      if (!("shards" in statement)) throw new Error("a statement about shards was asked for");
      expect(statement.shards.map(({ path, start, end }) => `${path} ${start} ${end}`)).toEqual([
        ...["adapter_config.json 0 100", `adapter_model.safetensors 0 ${MIB}`],
        `adapter_model.safetensors ${MIB} ${MIB + 5}`,
      ]);
      expect([statement.shardOctets, statement.facts?.name]).toEqual([MIB, "bauordnung"]);
      expect(artefactDigest).toBe(shardsDigest(statement));
    },
  );

  it("is recalled by that digest", async () => {
    const { artefactDigest } = await sign("oms", sharded({ version: "recalled" }));
    const target = { $case: "artefactDigest", value: artefactDigest } as const;
    await harness.as().recalls.recall({ requestId: randomUUID(), target, reason: "poisoned", dryRun: false });
    await expect(sign("oms", sharded({ version: "once more" }))).rejects.toMatchObject({ code: "ARTEFACT_RECALLED" });
  });

  it.each<[string, string, Partial<Artefact>, string]>([
    ["as an attestation", "attestation", {}, "REQUEST_MALFORMED"],
    ["with a shard missing", "oms", { resources: [CONFIG, WEIGHTS[0] as typeof CONFIG] }, "REQUEST_MALFORMED"],
    ["with no size of shards", "oms", { shardOctets: undefined }, "REQUEST_MALFORMED"],
    ["in small shards", "oms", { shardOctets: MIB - 1 }, "REQUEST_MALFORMED"],
    ["with whole files", "oms", { resources: [{ ...CONFIG, shard: undefined }, ...WEIGHTS] }, "REQUEST_MALFORMED"],
    ["with a colon in a name", "oms", { resources: [...WEIGHTS, CONFIG, shard("a:b", 0, 1)] }, "NAME_MALFORMED"],
    ["with a pickle", "oms", { resources: [...WEIGHTS, CONFIG, shard("x.pt", 0, 1)] }, "ARTEFACT_NOT_ADMITTED"],
  ])("is not signed %s", async (_, format, fields, code) => {
    await expect(sign(format, sharded({ name: "another", ...fields }))).rejects.toMatchObject({ code });
  });

  it("is not signed as a manifest", async () => {
    const signed = harness.as().signatures.signManifest(manifestRequest({ artefact: sharded({ name: "another" }) }));
    await expect(signed).rejects.toMatchObject({ code: "REQUEST_MALFORMED" });
  });
});
