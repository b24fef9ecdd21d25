import { readMatrix } from "@vcc-pki/matrix";
import { describe, expect, it } from "vitest";
import { read, SHIPPED, TYPES } from "./matrices.ts";

const found = (policies: string, rest = "") =>
  read(policies, rest).findings.map(({ severity, kind, line }) => `${severity} ${kind} ${line}`);

describe("a matrix is examined when it is read", () => {
  it("the one that is shipped has no errors; its circles are told", () => {
    const { findings } = readMatrix(SHIPPED, { types: TYPES });
    expect(findings.filter(({ severity }) => severity === "error")).toEqual([]);
    expect(findings.some(({ kind, message }) => kind === "cycle" && message.includes("argus -> vpb -> argus"))).toBe(
      true,
    );
  });

  it.each([
    ["a service that nobody is", "a: { allowed_outbound: [b] }", ["error unknown-service 2"]],
    ["a wildcard that means nobody", 'a: { allowed_outbound: ["*_db"] }', ["warning unknown-service 2"]],
    ["a permission that is not described", "a: { special_permissions: [x] }", ["error unknown-permission 2"]],
    [
      "allowed and denied",
      "a:\n  allowed_outbound: [b]\n  denied_outbound:\n    - b\nb: {}",
      ["error contradiction 5"],
    ],
    ["said twice", "a:\n  allowed_outbound:\n    - b\n    - b\nb: {}", ["warning unreachable-rule 5"]],
    [
      "a wildcard says it already",
      'a:\n  allowed_outbound:\n    - b_db\n    - "*_db"\nb_db: {}',
      ["warning unreachable-rule 4"],
    ],
    [
      "denied by a wildcard",
      'a:\n  allowed_outbound:\n    - b_db\n  denied_outbound:\n    - "*_db"\nb_db: {}',
      ["warning unreachable-rule 4"],
    ],
    [
      "a narrower one after a wider one",
      "a:\n  allowed_outbound:\n    - b\n    - { service: b, methods: [GET] }\nb: {}",
      ["warning unreachable-rule 5"],
    ],
    ["a typing error in a key", "a:\n  isolation_level: high\n  alowed_outbound: [b]\nb: {}", ["error syntax 4"]],
    ["a typing error in a level", "a:\n  isolation_level: hihg", ["error syntax 3"]],
    ["no path", "a:\n  allowed_outbound:\n    - { service: b, paths: [x] }\nb: {}", ["error syntax 4"]],
    ["a key twice", "a: {}\na: {}", ["error syntax 3"]],
    ["no YAML", "a: [", ["error syntax 3"]],
    ["a name of another kind", "A: {}", ["error syntax 2"]],
  ])("%s", (_, policies, findings) => {
    expect(found(policies)).toEqual(findings);
  });

  it("a permission that nobody holds", () => {
    const rest = "special_permissions:\n  p: { service: a, paths: [/x] }";
    expect(found("a: {}", rest)).toEqual(["warning unprotected-permission 4"]);
  });

  it("circles, once each; an error where they are refused", () => {
    const policies = "a: { allowed_outbound: [b] }\nb: { allowed_outbound: [c] }\nc: { allowed_outbound: [a] }";
    expect(found(policies)).toEqual(["warning cycle 2"]);
    expect(read(policies).findings[0]?.message).toBe("a -> b -> c -> a (lines 2, 3, 4)");
    expect(found(policies, "cycles: refuse")).toEqual(["error cycle 2"]);
    expect(read(policies, "cycles: refuse").matrix).toBeUndefined();
  });

  it("so many circles that nobody wants them all: some, and that there are more", () => {
    const all = (count: number) =>
      Array.from({ length: count }, (_, i) => `s${i}: { allowed_outbound: ["*"] }`).join("\n");
    const cycles = read(all(100)).findings.filter(({ kind }) => kind === "cycle");
    expect(cycles).toHaveLength(51);
    expect(cycles.at(-1)?.message).toContain("more circles");
    expect(found(all(501))).toEqual(["error syntax 1"]);
  });

  it("all mistakes of a kind come at once, in the order of their lines", () => {
    expect(found("a: { allowed_outbound: [x, b], denied_outbound: [b] }\nb: { allowed_outbound: [y] }")).toEqual([
      "error unknown-service 2",
      "error contradiction 2",
      "error unknown-service 3",
    ]);
  });

  it("aliases, which may grow without end, are not taken", () => {
    const { matrix, findings } = readMatrix("service_communication_policies: { a: &x {}, b: *x }");
    expect(matrix).toBeUndefined();
    expect(findings[0]).toMatchObject({ severity: "error", kind: "syntax" });
  });
});
