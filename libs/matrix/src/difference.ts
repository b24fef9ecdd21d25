import { edgesOf } from "./reach.ts";
import type { Matrix, Restriction, Rule } from "./rule.ts";

/** What another matrix changes for two services. */
export interface Change {
  readonly source: string;
  readonly target: string;
  /** "widened" and "narrowed" are not told apart: restrictions are shown as they were and as they are. */
  readonly change: "added" | "removed" | "changed";
  readonly before?: string;
  readonly after?: string;
}

/** Who may call whom that might not before, and the other way round. In the order of their names. */
export function difference(before: Matrix, after: Matrix): readonly Change[] {
  const [old, now] = [describe(before), describe(after)];
  const pairs = [...new Set([...old.keys(), ...now.keys()])].toSorted();
  return pairs.flatMap((pair): Change[] => {
    const [was, is] = [old.get(pair), now.get(pair)];
    if (was === is) return [];
    const [source = "", target = ""] = pair.split(" ");
    const change = was === undefined ? "added" : is === undefined ? "removed" : "changed";
    return [{ source, target, change, before: was, after: is }];
  });
}

/** By "source target": all that is said of them. */
function describe(matrix: Matrix): ReadonlyMap<string, string> {
  const edges = edgesOf(matrix);
  return new Map(
    edges.map(({ source, target, rule }) => [`${source} ${target}`, restrictionsOf(matrix, rule, target)]),
  );
}

function restrictionsOf(matrix: Matrix, { source, target: wanted }: Rule, target: string): string {
  const said = matrix.rules.filter(
    (rule) => rule.source === source && (rule.target === wanted || rule.target === target),
  );
  const kept = matrix.permissions.filter((permission) => permission.target === wanted || permission.target === target);
  return [
    ...said.map((rule) => `${rule.effect === "deny" ? "not " : ""}${restrictionText(rule)}`),
    ...kept.map(
      (permission) => `${restrictionText(permission)} for ${permission.holders.join(", ") || "nobody"} alone`,
    ),
  ].join("; ");
}

/** "GET POST /api/v1/jobs", or "all". */
export function restrictionText({ methods, paths }: Restriction): string {
  return [...(methods ?? []), ...(paths ?? []).map(({ text }) => text)].join(" ") || "all";
}
