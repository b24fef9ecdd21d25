import { appendFileSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fakeClock } from "@vcc-pki/testkit/clock";
import { beforeEach, describe, expect, it } from "vitest";
import { readTranscript, Transcript } from "./transcript.ts";

let file: string;
const refused = expect.objectContaining({ code: "SIGNATURE_INVALID" });

beforeEach(() => {
  file = join(mkdtempSync(join(tmpdir(), "pki-transcript-")), "transcript.jsonl");
  const transcript = new Transcript(file, fakeClock());
  for (const number of [1, 2, 3, 4]) transcript.add("step done", { number, nothing: undefined, names: ["a", "b"] });
});

const lines = (): string[] => readFileSync(file, "utf8").split("\n");
const rewrite = (changed: readonly string[]): void => writeFileSync(file, changed.join("\n"));

describe("transcript", () => {
  it("is read back as it was written, and goes on from there", () => {
    const before = readTranscript(file);
    expect(before.map(({ sequence }) => sequence)).toEqual([1, 2, 3, 4]);
    new Transcript(file, fakeClock()).add("ceremony finished");
    expect(readTranscript(file).slice(0, 4)).toEqual(before);
    expect(readTranscript(file).at(4)?.previous).toBe(before.at(3)?.hash);
  });

  it("forgets a line that a crash cut short", () => {
    appendFileSync(file, '{"sequence":5,"at":"2026');
    expect(new Transcript(file, fakeClock()).entries.length).toBe(4);
    expect(readTranscript(file).length).toBe(4);
  });

  it.each<[string, (all: string[]) => string[]]>([
    ["a fact was changed", (all) => all.map((line) => line.replace('"number":2', '"number":7'))],
    ["an entry was taken out", (all) => all.toSpliced(1, 1)],
    ["an entry comes twice", (all) => all.toSpliced(1, 0, all[1] ?? "")],
    ["two entries changed places", ([a = "", b = "", ...rest]) => [b, a, ...rest]],
    ["the beginning was taken away", (all) => all.slice(1)],
    ["something was added to an entry", (all) => all.map((line) => line.replace('"event"', '"extra":1,"event"'))],
    ["a line is not an entry", (all) => all.toSpliced(2, 1, "hello")],
  ])("is refused when %s", (_what, change) => {
    rewrite(change(lines()));
    expect(() => readTranscript(file)).toThrow(refused);
    expect(() => new Transcript(file, fakeClock())).toThrow(refused);
  });
});
