import { describe, expect, it } from "vitest";
import { buildRecallList, type Digest, parseRecallList, type RecallList, recallShardOf } from "../index.ts";

const digest = (first: string): Digest => `sha256:${first}${"a".repeat(64 - first.length)}`;
const day = (of: number) => new Date(Date.UTC(2026, 10, of));
const said = { organisation: "brandenburg", reason: "poisoned data set", recalledAt: day(1) };
const recalled = { ...said, digest: digest("70") };
const other = { ...said, digest: digest("7f") };
const ofSigner = {
  ...said,
  signer: "spiffe://vcc.internal/org/brandenburg/service/clara-signer",
  since: day(1),
};
const list: RecallList = {
  ...{ shard: 7, number: 3, thisUpdate: day(2), nextUpdate: day(3) },
  entries: [recalled, other, ofSigner],
};
const text = buildRecallList(list).toString();
const refused = expect.objectContaining({ code: "RECALL_LIST_MALFORMED" });

describe("a recall list", () => {
  it("is read as it was written, whatever the order of its entries", () => {
    expect(parseRecallList(Buffer.from(text))).toEqual(list);
    expect(buildRecallList({ ...list, entries: list.entries.toReversed() }).toString()).toBe(text);
    const empty = { ...list, entries: [] };
    expect(parseRecallList(buildRecallList(empty))).toEqual(empty);
  });

  it("is of the shard of an artefact's first hex digit", () => {
    expect(["0", "7", "a", "f"].map((first) => recallShardOf(digest(first)))).toEqual([0, 7, 10, 15]);
  });

  it.each<[string, Partial<RecallList>]>([
    ["an entry of another shard", { entries: [{ ...said, digest: digest("8") }] }],
    ["an entry twice", { entries: [recalled, { ...recalled, reason: "another" }] }],
    ["no time in which it counts", { nextUpdate: list.thisUpdate }],
  ])("is not made with %s", (_, change) => {
    expect(() => buildRecallList({ ...list, ...change })).toThrow(refused);
  });

  it.each([
    ["nothing", ""],
    ["white space", text.replace('"number":', '"number": ')],
    ["another version", text.replace('"version":1', '"version":2')],
    ["another number of shards", text.replace('"shards":16', '"shards":8')],
    ["a shard that there is not", text.replace('"shard":7', '"shard":16')],
    ["entries of another shard", text.replace('"shard":7', '"shard":8')],
    ["a number of nothing", text.replace('"number":3', '"number":0')],
    ["half a number", text.replace('"number":3', '"number":3.5')],
    ["a name twice", text.replace('"number":3', '"number":3,"number":2')],
    ["what it does not know", text.replace('"number":3', '"more":1,"number":3')],
    ["another time zone", text.replace("2026-11-02T00:00:00.000Z", "2026-11-02T00:00:00.000+01:00")],
    ["a time without milliseconds", text.replace("2026-11-02T00:00:00.000Z", "2026-11-02T00:00:00Z")],
    ["an entry that is of both kinds", text.replace('"since":', `"digest":"${digest("7")}","since":`)],
    ["an entry without a reason", text.replace('"reason":"poisoned data set"', '"reason":""')],
    ["a line feed in a reason", text.replace("poisoned data set", "poisoned\\ndata")],
    ["a digest of another hash", text.replace("sha256:70", "sha512:70")],
  ])("is refused with %s", (_, changed) => {
    expect(changed).not.toBe(text);
    expect(() => parseRecallList(Buffer.from(changed))).toThrow(refused);
  });
});
