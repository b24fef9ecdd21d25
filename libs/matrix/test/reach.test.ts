import { Decider, difference, drawnIn, edgesOf, graphDot, reach, servicesOf } from "@vcc-pki/matrix";
import { matrixPng, matrixSvg } from "@vcc-pki/matrix/picture";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { matrixOf } from "./matrices.ts";

const POLICIES = `a: { allowed_outbound: [b] }
b: { allowed_outbound: [{ service: c, methods: [GET] }, d] }
c: { allowed_outbound: [d] }
d: {}
"e": { allowed_outbound: [a] }`;
const matrix = matrixOf(POLICIES);
const way = (source: string, target: string) =>
  reach(matrix, source, target)?.map((edge) => `${edge.source}>${edge.target}`);

describe("reach", () => {
  it("is the shortest way, with the rule of each step", () => {
    expect(way("a", "d")).toEqual(["a>b", "b>d"]);
    expect(way("e", "c")).toEqual(["e>a", "a>b", "b>c"]);
    expect(reach(matrix, "a", "d")?.map(({ rule }) => rule.id)).toEqual([
      "a.allowed_outbound[0]",
      "b.allowed_outbound[1]",
    ]);
  });

  it("is nothing where there is no way", () => {
    expect(way("d", "a")).toBeUndefined();
    expect(way("a", "a")).toBeUndefined();
    expect(way("nobody", "a")).toBeUndefined();
  });

  it("comes back in a circle, and starts at any service of a type", () => {
    const types = { "x-1": "x", "x-2": "x" };
    const circle = matrixOf("x: { allowed_outbound: [b] }\nb: { allowed_outbound: [x] }", "", types);
    expect(servicesOf(circle)).toEqual(["b", "x-1", "x-2"]);
    expect(reach(circle, "b", "b")).toHaveLength(2);
    expect(reach(circle, "x", "b")?.[0]?.source).toBe("x-1");
  });
});

describe("services that are alike", () => {
  const NAMES = ["a", "b", "a-1", "a-2", "b-1", "b-2", "c"];
  const TYPES = { "a-1": "a", "a-2": "a", "a-3": "a", "b-1": "b", "b-2": "b" };
  const target = fc.constantFrom(...NAMES, "*", "a*", "*-1", "b-*");
  const entry = fc.record({ allowed: fc.array(target, { maxLength: 3 }), denied: fc.array(target, { maxLength: 1 }) });

  it("may call whom each of them may, by every matrix", () => {
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom(...NAMES), entry, { minKeys: 1 }), fc.boolean(), (policies, isHigh) => {
        const list = (targets: readonly string[]) => JSON.stringify([...new Set(targets)]);
        const lines = NAMES.map((name) => {
          const { allowed = [], denied = [] } = policies[name] ?? {};
          const isolation = isHigh && name === "a-1" ? ", isolation_level: high" : "";
          const denials = list(denied.filter((each) => !allowed.includes(each)));
          return `"${name}": { allowed_outbound: ${list(allowed)}, denied_outbound: ${denials}${isolation} }`;
        });
        const some = matrixOf(lines.join("\n"), "", TYPES);
        const decider = new Decider(some);
        const names = servicesOf(some);
        const expected = names.flatMap((source) =>
          names.filter((each) => decider.decide({ source, target: each }).allowed).map((each) => `${source} ${each}`),
        );
        expect(edgesOf(some).map((edge) => `${edge.source} ${edge.target}`)).toEqual(expected);
      }),
    );
  });

  it("are one box when there are many of them, and found by any of their names", () => {
    const types = Object.fromEntries(Array.from({ length: 2_000 }, (_, i) => [`a-${i}`, "a"]));
    const many = matrixOf("a: { allowed_outbound: [b] }\nb: { allowed_outbound: [a] }", "", types);
    const { alike, nameOf } = drawnIn(many);
    expect(alike.flat().map(nameOf)).toEqual(["a", "b"]);
    expect(graphDot(many, "many").match(/->/g)).toHaveLength(2);
    expect(reach(many, "a-1999", "a-7")?.map((edge) => edge.target)).toEqual(["b", "a-7"]);
  });
});

describe("difference", () => {
  it("tells what calls are new, gone, or restricted in another way", () => {
    const after = matrixOf(
      POLICIES.replace("methods: [GET]", "methods: [POST]")
        .replace("d]", "e]")
        .replace("d: {}", "d: { allowed_outbound: [a] }"),
    );
    expect(difference(matrix, after)).toEqual([
      { source: "b", target: "c", change: "changed", before: "GET", after: "POST" },
      { source: "b", target: "d", change: "removed", before: "all", after: undefined },
      { source: "b", target: "e", change: "added", before: undefined, after: "all" },
      { source: "d", target: "a", change: "added", before: undefined, after: "all" },
    ]);
    expect(difference(matrix, matrix)).toEqual([]);
  });
});

describe("the picture", () => {
  it("has every service and every call; isolated ones and restrictions can be seen", async () => {
    const isolated = matrixOf(POLICIES.replace("d: {}", "d: { isolation_level: high }"));
    const dot = graphDot(isolated, 'brandenburg "1"');
    expect(dot.match(/->/g)).toHaveLength(5);
    const svg = await matrixSvg(isolated, 'brandenburg "1"');
    for (const word of ["<svg role", ">a<", ">GET<", "b.allowed_outbound[0], line 3", "isolated"])
      expect(svg).toContain(word);
  });

  it("is a PNG with letters in it", async () => {
    const png = await matrixPng(matrix, "brandenburg");
    expect(Buffer.from(png).subarray(1, 4).toString()).toBe("PNG");
    const bare = await matrixPng(matrixOf(POLICIES), "");
    expect(png.length).toBeGreaterThan(bare.length);
  });
});
