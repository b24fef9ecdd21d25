import {
  appendFileSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { systemClock } from "@vcc-pki/time";
import { describe, expect, it } from "vitest";
import { progressOf } from "../src/hashing/progress.ts";
import { readRange } from "../src/hashing/read-range.ts";
import { type FoundFile, type HashOptions, type HashProgress, hashTree, type Tree, walkTree } from "../src/index.ts";
import { newScratch, octetsOf, sha256Hex } from "./scratch.ts";

const MIB = 1024 * 1024;
const hash = (tree: Tree, options: Partial<HashOptions> = {}) => hashTree(tree, { clock: systemClock, ...options });
const refusal = (code: string) => expect.objectContaining({ code });

/** Lengths at which something happens: nothing, a chunk and its neighbours, several, and enough for threads. */
const LENGTHS = [0, 1, MIB / 2 - 1, MIB / 2, MIB / 2 + 1, 8 * MIB - 1, 8 * MIB, 8 * MIB + 1, 20 * MIB + 7];

/** A clock by which every reading takes a second and hashing no time: a disk that is waited for. */
function slowDisk(): () => number {
  let looks = 0;
  return () => Math.ceil(looks++ / 2) * 1_000;
}

describe("hashing a tree", () => {
  it("gives each file its SHA-256, alone or on threads", async () => {
    const { directory, file } = newScratch();
    const expected = new Map(
      LENGTHS.map((length, index) => {
        const content = octetsOf(length, `${index}`);
        file(`f${index}`, content);
        return [`f${index}`, sha256Hex(content)];
      }),
    );
    const tree = walkTree(directory);
    const onThreads = await hash(tree);
    expect(new Map(onThreads.map(({ path, ranges }) => [path, ranges[0]?.sha256Hex]))).toEqual(expected);
    for (const one of tree.files) {
      const [alone] = await hash({ ...tree, files: [one] });
      expect(alone?.ranges).toMatchObject([{ start: 0, end: one.size, sha256Hex: expected.get(one.path) }]);
    }
  });

  it("reads ahead where the disk is waited for, to the same digests, copies and octets", async () => {
    for (const length of LENGTHS) {
      const { file, at } = newScratch();
      const content = octetsOf(length);
      file("tree/f", content);
      const [found] = walkTree(at("tree")).files as [FoundFile];
      const range = { ...found, start: 0, end: length, copyTo: at("copy"), keep: true };
      const read = await readRange(range, () => {}, slowDisk());
      expect(read.sha256Hex).toBe(sha256Hex(content));
      expect(Buffer.compare(read.octets as Uint8Array, content)).toBe(0);
      expect(Buffer.compare(readFileSync(at("copy")), content)).toBe(0);
    }
  });

  it("keeps many small files apart, in the order of the walk", async () => {
    const { directory, file } = newScratch();
    for (let index = 0; index < 1_000; index++) file(`d${index % 7}/f${index}`, `content ${index}`);
    const tree = walkTree(directory);
    const hashed = await hash(tree);
    expect(hashed.map(({ path }) => path)).toEqual(tree.files.map(({ path }) => path));
    for (const { path, ranges } of hashed) {
      expect(ranges[0]?.sha256Hex).toBe(sha256Hex(`content ${path.split("/f")[1]}`));
    }
  });

  it("hashes in shards, each by itself, the last as long as is left", async () => {
    const { directory, file } = newScratch();
    const content = octetsOf(5 * MIB + 3);
    file("large", content);
    file("exact", content.subarray(0, 2 * MIB));
    const hashed = await hash(walkTree(directory), { shardOctets: 2 * MIB });
    const shards = (name: string) => hashed.find(({ path }) => path === name)?.ranges;
    expect(shards("exact")).toMatchObject([{ start: 0, end: 2 * MIB }]);
    expect(shards("large")).toMatchObject(
      [0, 2 * MIB, 4 * MIB].map((start) => {
        const end = Math.min(start + 2 * MIB, content.length);
        return { start, end, sha256Hex: sha256Hex(content.subarray(start, end)) };
      }),
    );
  });

  it.each([Number.POSITIVE_INFINITY, 4 * MIB, 9 * MIB])(
    "copies, and keeps, exactly what it hashed, in pieces of %d octets",
    async (shardOctets) => {
      for (const length of [0, 3, 9 * MIB + 5, 30 * MIB]) {
        const { directory, file, at } = newScratch();
        const content = octetsOf(length);
        file("tree/f", content);
        mkdirSync(at("copy"));
        const [hashed] = await hash(walkTree(at("tree")), {
          ...{ keep: true, shardOctets },
          copyTo: ({ path }) => `${directory}/copy/${path}`,
        });
        if (shardOctets > length) expect(hashed?.ranges[0]?.sha256Hex).toBe(sha256Hex(content));
        expect(Buffer.compare(readFileSync(at("copy/f")), content)).toBe(0);
        expect(Buffer.compare(hashed?.octets as Uint8Array, content)).toBe(0);
      }
    },
  );

  it.each<[string, (location: string, at: (path: string) => string) => void]>([
    ["longer", (location) => appendFileSync(location, "x")],
    ["shorter", (location) => truncateSync(location, 10)],
    ["written over", (location) => writeFileSync(location, octetsOf(100, "other"))],
    ["gone", (location) => rmSync(location)],
    ["another file", (location, at) => renameSync(at("other"), location)],
    [
      "a symbolic link to the same",
      (location, at) => {
        renameSync(location, at("moved"));
        symlinkSync(at("moved"), location);
      },
    ],
  ])("refuses a file that is %s when its turn comes", async (_, change) => {
    const { file, at } = newScratch();
    const location = file("tree/f", octetsOf(100));
    file("other", octetsOf(100));
    const tree = walkTree(at("tree"));
    change(location, at);
    await expect(hash(tree)).rejects.toThrow(refusal("FILE_CHANGED"));
  });

  it.each([4 * MIB, 64 * MIB])("refuses a file of %d octets that changes while it is hashed", async (length) => {
    const { file, at } = newScratch();
    const location = file("tree/f", octetsOf(length));
    const [found] = walkTree(at("tree")).files as [FoundFile];
    let changed = false;
    const change = () => {
      if (!changed) appendFileSync(location, "x");
      changed = true;
    };
    await expect(readRange({ ...found, start: 0, end: length }, () => {})).resolves.toBeDefined();
    const range = { ...found, start: 0, end: length };
    await expect(readRange(range, change)).rejects.toThrow(refusal("FILE_CHANGED"));
    const [again] = walkTree(at("tree")).files as [FoundFile];
    changed = false;
    await expect(readRange({ ...again, start: 0, end: again.size }, change, slowDisk())).rejects.toThrow(
      refusal("FILE_CHANGED"),
    );
  });

  it("ends at the first failure and leaves no thread behind that writes", async () => {
    const { file, at } = newScratch();
    for (let index = 0; index < 6; index++) file(`tree/f${index}`, octetsOf(16 * MIB));
    const tree = walkTree(at("tree"));
    appendFileSync(at("tree/f3"), "x");
    await expect(hash(tree)).rejects.toThrow(refusal("FILE_CHANGED"));
  });

  it("is broken off by its signal", async () => {
    const { file, at } = newScratch();
    for (let index = 0; index < 6; index++) file(`tree/f${index}`, octetsOf(16 * MIB));
    const reason = new Error("enough");
    await expect(hash(walkTree(at("tree")), { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    const controller = new AbortController();
    const hashing = hash(walkTree(at("tree")), { signal: controller.signal });
    controller.abort(reason);
    await expect(hashing).rejects.toBe(reason);
  });

  it("tells how far it is, and at the end that all is done", async () => {
    const { file, at } = newScratch();
    file("tree/f", octetsOf(40 * MIB));
    const told: HashProgress[] = [];
    await hash(walkTree(at("tree")), { onProgress: (progress) => told.push(progress) });
    expect(told.at(-1)).toMatchObject({ doneOctets: 40 * MIB, totalOctets: 40 * MIB, remainingMs: 0 });
  });

  it("reckons rate and rest from what is done", () => {
    const toDo = { totalOctets: 100, rememberedOctets: 900 };
    expect(progressOf(0, toDo, 0)).toMatchObject({ octetsPerSecond: 0, remainingMs: undefined });
    expect(progressOf(25, toDo, 500)).toMatchObject({ ...toDo, octetsPerSecond: 50, remainingMs: 1_500 });
  });
});
