import { covers } from "./path.ts";
import { alikeIn, edgesOf, shortestPath } from "./reach.ts";
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
  const bySource = Map.groupBy(rules, ({ source }) => source);
  const placeOf = new Map(rules.map((rule, i) => [rule, i]));
  return rules.flatMap((rule, i) => {
    const covering = bySource
      .get(rule.source)
      ?.find(
        (other) =>
          other !== rule &&
          (other.effect === rule.effect
            ? (placeOf.get(other) ?? i) < i || isWider(other, rule)
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
  // One of those that are alike speaks for all.
  const edges = edgesOf(
    matrix,
    alikeIn(matrix).map((services) => services.slice(0, 1)),
  );
  const severity = cycles === "warn" ? "warning" : "error";
  const told = new Map<string, Finding>();
  for (const [i, { source, target, rule }] of edges.entries()) {
    if (i >= MAX_SEARCHES || told.size >= MAX_CIRCLES) {
      const message = "there may be more circles than are told here";
      return [...told.values(), { severity, kind: "cycle", line: rule.line, message }];
    }
    const back = source === target ? [] : shortestPath(edges, target, source);
    if (back === undefined) continue;
    const circle = [source, ...(source === target ? [] : [target, ...back.slice(0, -1).map((edge) => edge.target)])];
    const name = circle.toSorted().join(" ");
    if (told.has(name)) continue;
    const lines = [rule, ...back.map((edge) => edge.rule)].map(({ line }) => line);
    const message = `${[...circle, source].join(" -> ")} (lines ${lines.join(", ")})`;
    told.set(name, { severity, kind: "cycle", line: rule.line, message });
  }
  return [...told.values()];
}

/** More circles tell nobody more, and looking for them holds up everybody else. */
const MAX_CIRCLES = 50;
const MAX_SEARCHES = 2_000;

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
