import { describe, expect, it } from "vitest";
import { requireTestUnits, TsaConfig } from "./config.ts";

const base = {
  ...{ listen: { host: "127.0.0.1", port: 0 }, health: { host: "127.0.0.1", port: 0 }, identityDir: "i" },
  ...{ http: { host: "127.0.0.1", port: 0 }, store: { file: "f", keyFile: "k" }, organisation: "vcc", clock: {} },
};
const unit = { name: "main", policies: ["1.2.3"] };
const parse = (...units: object[]) => TsaConfig.safeParse({ ...base, units });

describe("the configuration", () => {
  it("takes a unit that says no more than its name and policies", () => {
    expect(parse(unit).data?.units[0]).toMatchObject({
      keyAlgorithm: "ec-p256",
      accuracy: 1_000,
      test: false,
      etsi: true,
    });
  });

  it.each<[string, object[]]>([
    ["no unit", []],
    ["a name that cannot stand in an address", [{ ...unit, name: "Main/1" }]],
    ["a name that comes twice", [unit, unit]],
    ["no policy", [{ ...unit, policies: [] }]],
    ["a policy that is no object identifier", [{ ...unit, policies: ["1.2.x"] }]],
    ["a policy of a unit for trying out that is another unit's", [unit, { ...unit, name: "t", test: true }]],
    ["an accuracy that EN 319 421 does not admit", [{ ...unit, accuracy: "2s" }]],
    ["ordering, which EN 319 422 does not admit", [{ ...unit, ordering: true }]],
    ["a genTime that is less exact than promised", [{ ...unit, accuracy: "1s", fractionDigits: 0 }]],
    ["an unknown key", [{ ...unit, hash: "sha1" }]],
  ])("refuses %s", (_, units) => expect(parse(...units).success).toBe(false));

  it("admits the same outside of EN 319 421", () => {
    expect(parse({ ...unit, etsi: false, accuracy: "2s", ordering: true, fractionDigits: 0 }).success).toBe(true);
  });

  it("leaves an unproven clock to units for trying out", () => {
    const config = (test: boolean) =>
      TsaConfig.parse({ ...base, clock: { unproven: true }, units: [{ ...unit, test }] });
    expect(() => requireTestUnits(config(false))).toThrow(/test: true/);
    expect(() => requireTestUnits(config(true))).not.toThrow();
  });
});
