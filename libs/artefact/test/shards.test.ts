import { hash } from "node:crypto";
import { describe, expect, it } from "vitest";
import {
  artefactDigest,
  buildOmsStatement,
  canonicalResources,
  canonicalShards,
  MIN_SHARD_OCTETS,
  type Observed,
  parseStatement,
  type Shard,
  type Shards,
  shardsDigest,
} from "../src/index.ts";
import { ADAPTER_FACTS, shardsOf } from "./adapter.ts";
import { refusals } from "./relying-party.ts";
import { materialOf, signBundle } from "./signed-bundle.ts";

const MIB = MIN_SHARD_OCTETS;
const TAIL = 5;
const FILES = { "a.txt": Buffer.from("x\n"), "a.bin": Buffer.alloc(MIB + TAIL, "a"), "d/b.txt": Buffer.from("x\n") };

const directory: Shards = {
  ...{ shape: "directory", shardOctets: MIB },
  shards: Object.entries(FILES).flatMap(([path, content]) => shardsOf(path, content)),
};
const file: Shards = { ...directory, shape: "file", shards: shardsOf("a.bin", FILES["a.bin"]) };
const sharded = { ...directory, facts: ADAPTER_FACTS };
const statement = buildOmsStatement(sharded);

const [first, last] = file.shards as [Shard, Shard];
const digests = [first, last, shardsOf("", FILES["a.txt"])[0]].map((shard) => shard?.sha256Hex ?? "");

/** As `model_signing` 1.1.1 signs these files in shards of a MiB: the directory "m", and the file "a.bin" alone. */
const foreign = (name: string, root: string, names: readonly string[], hashes: readonly (string | undefined)[]) =>
  `{
  "_type": "https://in-toto.io/Statement/v1",
  "subject": [{ "name": "${name}", "digest": { "sha256": "${root}" } }],
  "predicateType": "https://model_signing/signature/v1.0",
  "predicate": {
    "serialization": {
      "hash_type": "sha256",
      "method": "shards",
      "shard_size": 1048576.0,
      "allow_symlinks": false,
      "ignore_paths": [".github", ".git", ".gitattributes", ".gitignore"]
    },
    "resources": [${names.map((shard, i) => `{ "name": "${shard}", "digest": "${hashes[i]}", "algorithm": "sha256-sharded-1048576" }`).join(", ")}]
  }
}`;
const FOREIGN = foreign(
  ...(["m", "45e78446b092c064ec28b4c6e24f47e736b30bae10233f585f1a1465636a8aea"] as const),
  ["a.bin:0:1048576", "a.bin:1048576:1048581", "a.txt:0:2", "d/b.txt:0:2"],
  [digests[0], digests[1], digests[2], digests[2]],
);
const FOREIGN_FILE = foreign(
  ...(["a.bin", "c1988c39827d50a7f3fa1a13cfbb11d06fb681b8a8500864ac1a9055bc727bf6"] as const),
  [".:0:1048576", ".:1048576:1048581"],
  digests,
);
const parse = (text: string | Buffer) => parseStatement(Buffer.from(text));

describe("a statement about shards", () => {
  it("is read as it was written, of a directory and of one file", () => {
    expect(parse(statement)).toEqual({ ...canonicalShards(directory), facts: ADAPTER_FACTS });
    expect(parse(buildOmsStatement({ ...file, facts: ADAPTER_FACTS }))).toEqual({ ...file, facts: ADAPTER_FACTS });
  });

  it("does not depend on the order of shards, and lists those of a file in its order", () => {
    const reversed = buildOmsStatement({ ...sharded, shards: sharded.shards.toReversed() });
    expect(reversed.equals(statement)).toBe(true);
    const names = JSON.parse(statement.toString()).predicate.resources.map(({ name }: { name: string }) => name);
    expect(names).toEqual(["a.bin:0:1048576", "a.bin:1048576:1048581", "a.txt:0:2", "d/b.txt:0:2"]);
  });

  it("by model_signing is read, and says nothing of the model", () => {
    expect(parse(FOREIGN)).toEqual({ ...canonicalShards(directory), facts: undefined });
    expect(parse(FOREIGN_FILE)).toEqual({ ...file, facts: undefined });
  });

  it.each<[string, string, string]>([
    ["a gap", FOREIGN.replace("a.bin:1048576", "a.bin:1048577"), "REQUEST_MALFORMED"],
    ["no beginning", FOREIGN_FILE.replace(".:0:1048576", ".:1048581:2097152"), "REQUEST_MALFORMED"],
    ["a shard that is too long", FOREIGN.replace("1048576:1048581", "1048576:2097153"), "REQUEST_MALFORMED"],
    ["a short shard before another", FOREIGN.replace("a.bin:0:1048576", "a.bin:0:1048575"), "REQUEST_MALFORMED"],
    ["an empty shard", FOREIGN.replace("a.txt:0:2", "a.txt:0:0"), "STATEMENT_MALFORMED"],
    ["octets written otherwise", FOREIGN.replace("a.txt:0:2", "a.txt:00:2"), "STATEMENT_MALFORMED"],
    ["no octets in a name", FOREIGN.replace("a.txt:0:2", "a.txt"), "STATEMENT_MALFORMED"],
    ["a colon more in a name", FOREIGN.replace("a.txt:0:2", "a:x:0:2"), "STATEMENT_MALFORMED"],
    ["a shard twice", FOREIGN.replace("d/b.txt:0:2", "a.txt:0:2"), "REQUEST_MALFORMED"],
    ["a file twice but for case", FOREIGN.replace("d/b.txt:0:2", "A.TXT:0:2"), "NAME_MALFORMED"],
    ["a file twice but for case and length", FOREIGN.replace("d/b.txt:0:2", "A.TXT:0:3"), "NAME_MALFORMED"],
    ["a file that is another's directory", FOREIGN.replace("d/b.txt:0:2", "a.txt/b:0:3"), "NAME_MALFORMED"],
    ["a path upwards", FOREIGN.replace("d/b.txt", "../b.txt"), "NAME_MALFORMED"],
    ["a signature among its files", FOREIGN.replace("a.txt:0", "model.sig:0"), "NAME_MALFORMED"],
    ["small shards", FOREIGN.replaceAll("1048576.0", "1048575"), "STATEMENT_MALFORMED"],
    ["no size of shards", FOREIGN.replace('"shard_size": 1048576.0,', ""), "STATEMENT_MALFORMED"],
    [
      "shards of another size",
      FOREIGN.replace('"sha256-sharded-1048576"', '"sha256-sharded-9"'),
      "STATEMENT_MALFORMED",
    ],
    ["a file among shards", FOREIGN.replace('"sha256-sharded-1048576"', '"sha256"'), "STATEMENT_MALFORMED"],
    ["shards among files", FOREIGN.replace('"shards"', '"files"'), "STATEMENT_MALFORMED"],
    ["another hash of a shard", FOREIGN.replace(first.sha256Hex, last.sha256Hex), "STATEMENT_MALFORMED"],
    ["symbolic links", FOREIGN.replace('"allow_symlinks": false', '"allow_symlinks": true'), "STATEMENT_MALFORMED"],
  ])("is refused with %s", (_, text, code) => {
    expect(text).not.toBe(FOREIGN);
    expect(() => parse(text)).toThrow(expect.objectContaining({ code }));
  });

  it("with our facts is refused in other order than we write it", () => {
    const swapped = JSON.parse(statement.toString());
    swapped.predicate.resources.push(swapped.predicate.resources.splice(2, 1)[0]); // the same hashes, so the same digest
    expect(() => parse(JSON.stringify(swapped))).toThrow(expect.objectContaining({ code: "STATEMENT_MALFORMED" }));
  });
});

describe("an artefact in shards", () => {
  const bundle = materialOf(signBundle(statement));
  const observed = (change: Partial<Shards> = {}): Observed => ({ ...directory, ...change });
  const changed = { ...FILES, "a.bin": Buffer.concat([FILES["a.bin"].subarray(0, -1), Buffer.from("b")]) };
  const shardsIn = (files: Readonly<Record<string, Uint8Array>>, shardOctets?: number) =>
    Object.entries(files).flatMap(([path, content]) => shardsOf(path, content, shardOctets));

  it("holds when all shards are there, and is refused when one is another, missing, extra, or renamed with its file", () => {
    const { "a.bin": bin, ...others } = FILES;
    expect(refusals({ material: bundle, observed: observed() })).toEqual([]);
    const refusalsOf = (files: Readonly<Record<string, Uint8Array>>) =>
      refusals({ material: bundle, observed: observed({ shards: shardsIn(files) }) });
    expect(refusalsOf(changed)).toEqual(["RESOURCE_CHANGED"]);
    expect(refusalsOf(others)).toEqual(["RESOURCE_MISSING"]);
    expect(refusalsOf({ ...FILES, c: Buffer.from("c") })).toEqual(["RESOURCE_EXTRA"]);
    expect(refusalsOf({ ...others, "b.bin": bin })).toEqual(["RESOURCE_RENAMED"]);
    expect(refusalsOf({ ...FILES, "a.bin": bin.subarray(0, MIB) })).toEqual(["RESOURCE_MISSING"]);
  });

  it("is refused when an empty file has come to it, of which there is no shard", () => {
    const empty = { path: "empty", start: 0, end: 0, sha256Hex: hash("sha256", "") };
    const shards = [...directory.shards, empty];
    expect(refusals({ material: bundle, observed: observed({ shards }) })).toEqual([
      ...["RESOURCE_NAMES_AMBIGUOUS", "RESOURCE_EXTRA"],
    ]);
  });

  it("is refused when it was hashed in another way", () => {
    const wholes = Object.entries(FILES).map(([path, content]) => ({ path, sha256Hex: hash("sha256", content) }));
    const whole: Observed = { shape: "directory", resources: wholes };
    const larger = observed({ shardOctets: 2 * MIB, shards: shardsIn(FILES, 2 * MIB) });
    for (const other of [whole, larger])
      expect(refusals({ material: bundle, observed: other })).toEqual(["RESOURCE_CHANGED"]);
    const [wholeDigest, digest] = [
      artefactDigest("directory", canonicalResources(wholes)),
      shardsDigest(canonicalShards(directory)),
    ];
    expect(digest).not.toBe(wholeDigest);
  });

  it("has one digest, whatever a single file is called, and another as the only file of a directory", () => {
    const renamed = { ...file, shards: shardsOf("b.bin", FILES["a.bin"]) };
    expect(shardsDigest(renamed)).toBe(shardsDigest(file));
    expect(shardsDigest({ ...file, shape: "directory" })).not.toBe(shardsDigest(file));
  });
});
