import { describe, expect, it } from "vitest";
import { examine, findUnrefused, type SpecimenClass } from "./examine.ts";
import { ACCEPTS, type Judge, refuses, type Verdict } from "./judge.ts";
import type { CrlSpecimen } from "./specimen.ts";

const files = { der: new Uint8Array(), derFile: "/kept/x.der", pemFile: "/kept/x.pem" };
const specimen = (label: string, algorithm = "ec-p256"): CrlSpecimen => ({
  kind: "crl",
  label,
  object: files,
  issuer: files,
  algorithms: [algorithm],
});
const judgeThat = (name: string, crl: (label: string) => Verdict): Judge => ({
  name,
  version: "1",
  unknownAlgorithms: /brainpool/,
  opinions: { crl: async ({ label }) => crl(label) },
});
const strict = judgeThat("strict", (label) => (label.startsWith("bad") ? refuses("bad signature") : ACCEPTS));
const lax = judgeThat("lax", () => ACCEPTS);
const examiner = (ours: Judge) => ({ ours, parallel: 2, progress: () => {} });
const classOf = (sound: boolean, ...specimens: CrlSpecimen[]): SpecimenClass => ({ name: "CRLs", sound, specimens });

describe("sound specimens", () => {
  it("must be accepted; a refusal is reported with what the judge said and where the object is", async () => {
    const result = await examine(strict, classOf(true, specimen("good"), specimen("bad")), examiner(lax));
    expect(result).toMatchObject({
      passed: 1,
      failures: [{ label: "bad", said: "bad signature", file: "/kept/x.der" }],
      skipped: [],
    });
  });

  it("are passed over by name when the judge does not know their algorithm", async () => {
    const result = await examine(strict, classOf(true, specimen("bad", "ec-brainpoolp256r1")), examiner(lax));
    expect(result).toMatchObject({ passed: 0, failures: [], skipped: [{ label: "bad" }] });
  });

  it("count as failed when the judge breaks down over them", async () => {
    const broken = judgeThat("broken", () => {
      throw new Error("did not end within 30 s");
    });
    const result = await examine(broken, classOf(true, specimen("good")), examiner(lax));
    expect(result).toMatchObject({ passed: 0, failures: [{ said: "could not be asked: did not end within 30 s" }] });
  });

  it("of a kind the judge knows nothing of are none of its business", async () => {
    const silent: Judge = { name: "silent", version: "1", opinions: {} };
    expect(await examine(silent, classOf(true, specimen("good")), examiner(lax))).toBeUndefined();
  });
});

describe("corrupted specimens", () => {
  const corrupted = classOf(false, specimen("bad"));

  it("that a judge refuses must be refused by us", async () => {
    expect(await examine(strict, corrupted, examiner(lax))).toMatchObject({ passed: 0, failures: [{ label: "bad" }] });
    const agreeing = judgeThat("agreeing", () => refuses("no"));
    expect(await examine(strict, corrupted, examiner(agreeing))).toMatchObject({ passed: 1, failures: [] });
  });

  it("must be refused by us", async () => {
    expect(await examine(strict, corrupted, examiner(strict))).toMatchObject({ passed: 1, failures: [] });
    expect(await examine(lax, corrupted, examiner(lax))).toMatchObject({ passed: 0, failures: [{ label: "bad" }] });
  });

  it("that a judge lets through say nothing about us", async () => {
    expect(await examine(lax, corrupted, examiner(strict))).toMatchObject({
      passed: 0,
      failures: [],
      skipped: [],
      letThrough: ["bad"],
    });
  });

  it("that a judge lets through must be known to be overlooked, and then be let through, where that is on record", async () => {
    const known = { ...corrupted, overlooked: () => "does not look" };
    const unknown = { ...corrupted, overlooked: () => undefined };
    const agreeing = judgeThat("agreeing", () => refuses("no"));
    const byLax = await examine(lax, known, examiner(strict));
    expect(byLax).toMatchObject({ failures: [], letThrough: ["bad"] });
    expect(await examine(lax, unknown, examiner(strict))).toMatchObject({ failures: [{ label: "bad" }] });
    expect(await examine(agreeing, known, examiner(strict))).toMatchObject({ passed: 0, failures: [{ label: "bad" }] });
    expect(await examine(agreeing, unknown, examiner(strict))).toMatchObject({ passed: 1, failures: [] });
    if (byLax) expect(findUnrefused(known, [byLax])).toEqual([]);
  });

  it("that no judge refuses prove nothing", async () => {
    const byLax = await examine(lax, corrupted, examiner(strict));
    const byStrict = await examine(strict, corrupted, examiner(lax));
    if (!byLax || !byStrict) throw new Error("both have an opinion");
    expect(findUnrefused(corrupted, [byLax])).toEqual(["bad"]);
    expect(findUnrefused(corrupted, [byLax, byStrict])).toEqual([]);
  });
});
