import { Decider, edgesOf, matrixFromJson, matrixToJson, readMatrix, servicesOf } from "@vcc-pki/matrix";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { deciderOf, matrixOf, SHIPPED, TYPES } from "./matrices.ts";

describe("the matrix that is shipped", () => {
  const { matrix, findings } = readMatrix(SHIPPED, { types: TYPES });
  if (matrix === undefined) throw new Error(JSON.stringify(findings));
  const decider = new Decider(matrix);

  // The roadmap's table, cell by cell.
  const ROADMAP: Record<string, readonly string[]> = {
    argus: ["covina", "clara", "vpb"],
    covina: ["clara", "veritas", "covina_ingestion", "themis_database"],
    clara: ["covina"],
    veritas: ["covina", "clara", "covina_ingestion"],
    vpb: ["argus", "covina"],
  };
  const targets = ["argus", "covina", "clara", "veritas", "vpb", "covina_ingestion", "themis_database"];
  const cells = Object.entries(ROADMAP).flatMap(([source, allowed]) =>
    targets.map((target) => [source, target, allowed.includes(target)] as const),
  );
  it.each(cells)("%s calls %s: %s", (source, target, allowed) => {
    expect(decider.decide({ source, target }).allowed).toBe(allowed);
  });

  it("speaks of a type, and means its services", () => {
    expect(decider.decide({ source: "argus", target: "clara-serving", method: "GET", path: "/status" })).toMatchObject({
      allowed: true,
      rule: "argus.allowed_outbound[1]",
    });
    expect(decider.decide({ source: "clara-serving", target: "argus" })).toMatchObject({
      allowed: false,
      reason: "no-rule",
    });
  });

  it("keeps what takes a permission for its holders", () => {
    const load = { target: "clara-serving", method: "POST", path: "/load_adapter" };
    expect(decider.decide({ source: "covina", ...load }).allowed).toBe(true);
    expect(decider.decide({ source: "argus", ...load })).toMatchObject({ allowed: false, reason: "permission-needed" });
    expect(decider.decide({ source: "argus", ...load, path: "/Load_Adapter/" }).allowed).toBe(false);
  });
});

describe("a decision", () => {
  const decider = deciderOf(
    `a: { allowed_outbound: [b, { service: c, methods: [GET], paths: [/open/**] }, "*_db"], denied_outbound: [{ service: b, paths: [/admin/**] }, z_db] }
b: {}
c: {}
secret_db: { isolation_level: high }
other_db: {}
z_db: {}`,
  );

  it.each([
    ["by name", { source: "a", target: "b", method: "GET", path: "/x" }, "allowed"],
    [
      "that is denied goes before what allows",
      { source: "a", target: "b", method: "GET", path: "/admin/users" },
      "denied-by-rule",
    ],
    ["that is denied holds in any case", { source: "a", target: "b", method: "GET", path: "/ADMIN" }, "denied-by-rule"],
    ["where it may", { source: "a", target: "c", method: "GET", path: "/open/1" }, "allowed"],
    ["of a method in small letters", { source: "a", target: "c", method: "get", path: "/open/1" }, "allowed"],
    ["by another method", { source: "a", target: "c", method: "POST", path: "/open/1" }, "not-here"],
    ["somewhere else", { source: "a", target: "c", method: "GET", path: "/closed" }, "not-here"],
    ["without saying by which method", { source: "a", target: "c", path: "/open/1" }, "not-here"],
    ["whether there may be any call", { source: "a", target: "c" }, "allowed"],
    ["by wildcard", { source: "a", target: "other_db" }, "allowed"],
    ["by wildcard on one that is isolated", { source: "a", target: "secret_db" }, "isolated"],
    ["by wildcard on one that is denied", { source: "a", target: "z_db" }, "denied-by-rule"],
    ["of a stranger", { source: "stranger", target: "b" }, "no-rule"],
    ["on a stranger", { source: "a", target: "stranger" }, "no-rule"],
    ["on oneself", { source: "a", target: "a" }, "no-rule"],
    ["the other way round", { source: "b", target: "a" }, "no-rule"],
    [
      "on a path that goes elsewhere",
      { source: "a", target: "b", method: "GET", path: "/x/../admin" },
      "path-malformed",
    ],
    ["by a name that every object has", { source: "constructor", target: "__proto__" }, "no-rule"],
  ])("%s", (_, call, reason) => {
    expect(decider.decide(call)).toMatchObject({ reason, allowed: reason === "allowed" });
  });

  it("has the rule, and its line", () => {
    expect(decider.decide({ source: "a", target: "b" })).toMatchObject({ rule: "a.allowed_outbound[0]", line: 2 });
  });
});

const names = ["a", "b", "c", "d_db", "e_db"];
const outbound = fc.uniqueArray(fc.constantFrom(...names, "*_db", "*"), { maxLength: 4 });
const policies = fc.tuple(...names.map(() => fc.tuple(outbound, fc.boolean())));

describe("whatever the matrix", () => {
  it("allows nothing that no rule names, and decides in its JSON form as in YAML", () => {
    fc.assert(
      fc.property(policies, (lists) => {
        const text = lists.map(([list, isHigh], i) => {
          const isolation = isHigh ? ", isolation_level: high" : "";
          return `${names[i]}: { allowed_outbound: ${JSON.stringify(list)}${isolation} }`;
        });
        const matrix = matrixOf(text.join("\n"));
        const decider = new Decider(matrix);
        const again = new Decider(
          matrixFromJson(JSON.parse(JSON.stringify(matrixToJson(matrix, { organisation: "brandenburg", version: 1 })))),
        );
        for (const [i, source] of names.entries()) {
          for (const [j, target] of names.entries()) {
            const [list = [], , isHigh] = [lists[i]?.[0], 0, lists[j]?.[1]];
            const isNamed = list.includes(target);
            const isMeant = list.includes("*") || (target.endsWith("_db") && list.includes("*_db"));
            const decision = decider.decide({ source, target });
            expect(decision.allowed).toBe(isNamed || (isMeant && !isHigh));
            expect(again.decide({ source, target })).toEqual(decision);
          }
        }
        expect(edgesOf(matrix).every((edge) => servicesOf(matrix).includes(edge.target))).toBe(true);
      }),
    );
  });

  it.each([{}, null, { format: "vcc-matrix-2" }, { format: "vcc-matrix-1", rules: [] }])(
    "%j is no matrix",
    (document) => {
      expect(() => matrixFromJson(document)).toThrow(expect.objectContaining({ code: "CONFIG_INVALID" }));
    },
  );
});
