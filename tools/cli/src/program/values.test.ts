import { InvalidArgumentError } from "commander";
import { describe, expect, it } from "vitest";
import { revocationReason } from "./revocation-reason.ts";
import { duration, moment, naturalNumber, positiveInteger, size } from "./values.ts";

describe("values of options", () => {
  it.each([
    ["key_compromise", "key_compromise"],
    ["keyCompromise", "key_compromise"],
    ["key-compromise", "key_compromise"],
    ["cACompromise", "ca_compromise"],
    ["superseded", "superseded"],
  ])("the reason %s is %s", (text, reason) => expect(revocationReason(text)).toBe(reason));

  it("a date alone is midnight UTC", () => {
    expect(moment("2026-11-01").toISOString()).toBe("2026-11-01T00:00:00.000Z");
    expect(moment("2026-11-01T12:30:00Z").toISOString()).toBe("2026-11-01T12:30:00.000Z");
  });

  it.each([
    [revocationReason, "bored"],
    [duration, "soon"],
    [moment, "yesterday"],
    [moment, "2026-13-01"],
    [moment, "2026-11-01T12:30:00"],
    [positiveInteger, "0"],
    [positiveInteger, "1.5"],
    [positiveInteger, "1e3"],
    [naturalNumber, "-1"],
  ])("%o refuses %s", (parse, text) => {
    expect(() => parse(text)).toThrow(InvalidArgumentError);
  });

  it.each([
    ["1MiB", 1_048_576],
    ["64MB", 64_000_000],
    ["1GB", 1_000_000_000],
    ["2GiB", 2_147_483_648],
  ])("%s is a size", (text, octets) => expect(size(text)).toBe(octets));

  it.each(["", "1", "0GB", "1kB", "1MB", "1.5GB", "1 GB", "1gb", "-1GB", "1000000GB"])(
    "%j is no size of shards",
    (text) => {
      expect(() => size(text)).toThrow(InvalidArgumentError);
    },
  );
});
