import {
  appendFileSync,
  closeSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { systemClock } from "@vcc-pki/time";
import { describe, expect, it } from "vitest";
import { describeInShards, loadVerified, type VerifyOptions, verifyArtefact } from "../src/index.ts";
import { safetensorsOf } from "./model-files.ts";
import { octetsOf } from "./scratch.ts";
import { FACTS, hands, newAdapter, policyFor, type SignedAdapter, trustIn } from "./signed.ts";

const MIB = 1024 * 1024;
/** One tensor: with its header, three shards of four MiB, two whole and a rest. */
const WEIGHTS = safetensorsOf(
  { weight: { dtype: "U8", shape: [9 * MIB + 1], data_offsets: [0, 9 * MIB + 1] } },
  octetsOf(9 * MIB + 1, "weights"),
);
const options: VerifyOptions = {
  ...{ clock: systemClock, remember: false, trust: trustIn(hands), policy: policyFor(hands.signer) },
};

/** An adapter with a large file, signed in shards. */
async function newSharded(shardOctets = 4 * MIB): Promise<SignedAdapter> {
  const adapter = newAdapter();
  adapter.file("model/adapter_model.safetensors", WEIGHTS);
  const { statement } = await describeInShards(adapter.model, FACTS, { ...options, shardOctets });
  adapter.signAsBundle(statement);
  return adapter;
}

async function codes(path: string, changes: Partial<VerifyOptions> = {}) {
  const { verdicts } = await verifyArtefact(path, { ...options, ...changes });
  return verdicts.flatMap(({ code }) => (code === undefined ? [] : [code]));
}

function overwrite(location: string, at: number): void {
  const file = openSync(location, "r+");
  writeSync(file, "x", at);
  closeSync(file);
}

describe("an artefact that was signed in shards", () => {
  it("holds, is named by the digest of its shards, and is copied whole", async () => {
    const { model, at } = await newSharded();
    const described = await describeInShards(model, FACTS, { ...options, shardOctets: 4 * MIB });
    expect(described.shards.filter(({ path }) => path === "adapter_model.safetensors")).toHaveLength(3);
    const verified = await verifyArtefact(model, { ...options, copyTo: at("copy") });
    expect(verified).toMatchObject({ ok: true, artefactDigest: described.digest });
    expect(readFileSync(at("copy/adapter_model.safetensors")).equals(WEIGHTS)).toBe(true);
    expect(await codes(at("copy"))).toEqual([]);
  });

  it("is loaded whole", async () => {
    const { model } = await newSharded();
    const { files, adapter } = await loadVerified(model, options);
    writeFileSync(`${model}/adapter_model.safetensors`, "other");
    expect(Buffer.compare(files.get("adapter_model.safetensors") as Uint8Array, WEIGHTS)).toBe(0);
    expect(adapter?.weights.get("adapter_model.safetensors")?.tensors).toHaveLength(1);
  });

  it.each<[string, (location: string) => void]>([
    ["the first shard was changed", (location) => overwrite(location, MIB)],
    ["the last octet was changed", (location) => overwrite(location, WEIGHTS.length - 1)],
  ])("is refused when %s, and leaves no copy", async (_, change) => {
    const { model, at, directory } = await newSharded();
    change(at("model/adapter_model.safetensors"));
    expect(await codes(model, { copyTo: at("copy") })).toEqual(["RESOURCE_CHANGED"]);
    expect(readdirSync(directory)).toEqual(["model"]);
  });

  it.each<[string, string[], (adapter: SignedAdapter) => void]>([
    [
      "it became longer",
      ["RESOURCE_MISSING", "RESOURCE_EXTRA", "CONTENTS_MALFORMED"],
      ({ at }) => appendFileSync(at("model/adapter_model.safetensors"), "x"),
    ],
    ["a file is missing", ["RESOURCE_MISSING"], ({ at }) => rmSync(at("model/README.md"))],
    ["a file is extra", ["RESOURCE_EXTRA"], ({ file }) => void file("model/extra.txt", "x")],
    [
      "an empty file is extra",
      ["RESOURCE_NAMES_AMBIGUOUS", "RESOURCE_EXTRA"],
      ({ file }) => void file("model/.gitignore", ""),
    ],
  ])("is refused when %s", async (_, refused, change) => {
    const adapter = await newSharded();
    change(adapter);
    expect((await codes(adapter.model)).filter((code) => code !== "NOT_LOOKED_AT")).toEqual(refused);
  });

  it("cannot be made of an empty file, of which there is no shard, nor in small shards", async () => {
    const { model, file } = newAdapter();
    const describeIn = (shardOctets: number) => describeInShards(model, FACTS, { ...options, shardOctets });
    await expect(describeIn(MIB - 1)).rejects.toMatchObject({ code: "REQUEST_MALFORMED" });
    file("model/empty", "");
    await expect(describeIn(MIB)).rejects.toMatchObject({ code: "REQUEST_MALFORMED", details: { file: "empty" } });
  });
});
