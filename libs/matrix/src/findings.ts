import { covers } from "./path.ts";
import { edgesOf, shortestPath } from "./reach.ts";
import { isWildcard, type Matrix, matchesName, type Restriction, type Rule } from "./rule.ts";

export type FindingKind =
  | "syntax"
  | "unknown-service"
  | "unknown-permission"
  | "contradiction"
  | "unreachable-rule"
  | "cycle"
  | "unprotected-permission";

/** Something to be said of a matrix. An error keeps it from coming into force. */
export interface Finding {
  readonly severity: "error" | "warning";
  readonly kind: FindingKind;
  /** In the file, from 1. */
  readonly line: number;
  readonly message: string;
}

export const isError = ({ severity }: Finding): boolean => severity === "error";

/** What the rules of a matrix mean together, and should not. */
export function examine(matrix: Matrix, cycles: "warn" | "refuse"): Finding[] {
  return [
    ...findUnknownServices(matrix),
    ...findContradictions(matrix),
    ...findUnreachableRules(matrix),
    ...findIdlePermissions(matrix),
    ...findCycles(matrix, cycles),
  ];
}

/** A name that no service and no type has is a typing error; a wildcard may wait for services to come. */
function findUnknownServices({ rules, services, permissions, types }: Matrix): Finding[] {
  const known = new Set([...services.map(({ name }) => name), ...Object.keys(types), ...Object.values(types)]);
  const isKnown = (target: string) => matchesName(target, [...known]);
  const entries = [
    ...rules,
    ...permissions.map((permission) => ({ ...permission, id: `special_permissions.${permission.name}` })),
  ];
  return entries
    .filter(({ target }) => !isKnown(target))
    .map(({ id, line, target }) =>
      isWildcard(target)
        ? {
            severity: "warning",
            kind: "unknown-service",
            line,
            message: `${id}: no service is called like ${target} now`,
          }
        : { severity: "error", kind: "unknown-service", line, message: `${id}: there is no service ${target}` },
    );
}

/** The same target, allowed and denied in the same words. */
function findContradictions({ rules }: Matrix): Finding[] {
  const allowed = rules.filter(({ effect }) => effect === "allow");
  return rules
    .filter(({ effect }) => effect === "deny")
    .flatMap((denial) => {
      const other = allowed.find(
        (each) => each.source === denial.source && each.target === denial.target && isSame(each, denial),
      );
      if (other === undefined) return [];
      const message = `${denial.id} denies what ${other.id} (line ${other.line}) allows`;
      return [{ severity: "error", kind: "contradiction", line: denial.line, message } as const];
    });
}

/** A rule that changes nothing: an earlier or a wider one says the same, or a denial covers it. */
function findUnreachableRules({ rules, services }: Matrix): Finding[] {
  const isolated = new Set(services.filter(({ isolation }) => isolation === "high").map(({ name }) => name));
  return rules.flatMap((rule, i) => {
    const covering = rules.find(
      (other, j) =>
        other !== rule &&
        other.source === rule.source &&
        (other.effect === rule.effect
          ? j < i || isWider(other, rule)
          : other.effect === "deny" && isWider(other, rule)) &&
        matchesName(other.target, [rule.target]) &&
        !(isWildcard(other.target) && isolated.has(rule.target) && other.effect === "allow") &&
        isCovered(rule, other),
    );
    if (covering === undefined) return [];
    const message = `${rule.id} changes nothing: ${covering.id} (line ${covering.line}) says it already, or more`;
    return [{ severity: "warning", kind: "unreachable-rule", line: rule.line, message } as const];
  });
}

/** A permission that nobody holds closes its paths to all. */
function findIdlePermissions({ permissions }: Matrix): Finding[] {
  return permissions
    .filter(({ holders }) => holders.length === 0)
    .map(({ name, line }) => {
      const message = `nobody holds ${name}: its paths are closed to all`;
      return { severity: "warning", kind: "unprotected-permission", line, message };
    });
}

/** Services that call each other in a circle, each circle once, told at its first rule. */
function findCycles(matrix: Matrix, cycles: "warn" | "refuse"): Finding[] {
  const edges = edgesOf(matrix);
  const told = new Set<string>();
  return edges.flatMap(({ source, target, rule }) => {
    const back = source === target ? [] : shortestPath(edges, target, source);
    if (back === undefined) return [];
    const circle = [source, ...(source === target ? [] : [target, ...back.slice(0, -1).map((edge) => edge.target)])];
    const name = circle.toSorted().join(" ");
    if (told.has(name)) return [];
    told.add(name);
    const lines = [rule, ...back.map((edge) => edge.rule)].map(({ line }) => line);
    const message = `${[...circle, source].join(" -> ")} (lines ${lines.join(", ")})`;
    return [{ severity: cycles === "warn" ? "warning" : "error", kind: "cycle", line: rule.line, message } as const];
  });
}

const isSame = (a: Restriction, b: Restriction): boolean => isCovered(a, b) && isCovered(b, a);

/** Whether `wide` holds wherever `narrow` does. */
function isCovered(narrow: Restriction, wide: Restriction): boolean {
  const { methods, paths } = narrow;
  const hasMethods =
    wide.methods === undefined || (methods?.every((method) => wide.methods?.includes(method)) ?? false);
  const hasPaths =
    wide.paths === undefined || (paths?.every((path) => wide.paths?.some((other) => covers(other, path))) ?? false);
  return hasMethods && hasPaths;
}

/** Whether a rule reaches more than another, so that the other is the idle one whichever comes first. */
const isWider = (wide: Rule, narrow: Rule): boolean =>
  (isWildcard(wide.target) && !isWildcard(narrow.target)) || !isSame(wide, narrow);
