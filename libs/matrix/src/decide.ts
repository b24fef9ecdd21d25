import { matchesPath, parsePath } from "./path.ts";
import {
  isWildcard,
  type Matrix,
  type MatrixService,
  matchesName,
  type Permission,
  type Rule,
  wordsOf,
} from "./rule.ts";

/** A call, or, without method and path, whether there may be any. */
export interface Call {
  readonly source: string;
  readonly target: string;
  /** "GET". Absent: any, so that what is for some methods alone does not admit it. */
  readonly method?: string;
  /** The path of the request target, as it came in. */
  readonly path?: string;
}

export type Reason =
  | "allowed"
  | "denied-by-rule"
  | "permission-needed"
  | "isolated"
  | "no-rule"
  | "not-here"
  | "path-malformed";

export interface Decision {
  readonly allowed: boolean;
  /** The rule that decided: its place in the matrix. Absent: there is none for this call. */
  readonly rule?: string;
  readonly line?: number;
  readonly reason: Reason;
  /** For people. */
  readonly text: string;
}

/** Decides calls within one organisation. Default deny; a denial goes before what allows; paths of a permission are for its holders. */
export class Decider {
  readonly #matrix: Matrix;
  readonly #bySource: ReadonlyMap<string, readonly Rule[]>;
  readonly #isolated: readonly MatrixService[];

  constructor(matrix: Matrix) {
    this.#matrix = matrix;
    this.#bySource = Map.groupBy(matrix.rules, ({ source }) => source);
    this.#isolated = matrix.services.filter(({ isolation }) => isolation === "high");
  }

  /** Never throws: what cannot be understood is denied. */
  decide({ source, target, method, path }: Call): Decision {
    const { types, permissions } = this.#matrix;
    let place: Place;
    try {
      place = { method: method?.toUpperCase(), path: path === undefined ? undefined : parsePath(path) };
    } catch {
      return refused("path-malformed", "the path can be read in two ways");
    }
    const sourceWords = wordsOf(source, types);
    const targetWords = wordsOf(target, types);
    const rules = sourceWords.flatMap((word) => this.#bySource.get(word) ?? []);
    const meant = rules.filter((rule) => matchesName(rule.target, targetWords));

    // 1 what is denied
    const denial = meant.find((rule) => rule.effect === "deny" && closes(rule, place));
    if (denial) return refused("denied-by-rule", `${source} may not call ${target}: ${denial.id}`, denial);
    // 2 what is for holders of a permission
    const permission = permissions.find((each) => matchesName(each.target, targetWords) && guards(each, place));
    if (permission && !permission.holders.some((holder) => sourceWords.includes(holder)))
      return refused("permission-needed", `${target} wants the permission ${permission.name} there`);
    // 3 what is allowed
    const allowances = meant.filter(({ effect }) => effect === "allow");
    const isIsolated = this.#isolated.some(({ name }) => targetWords.includes(name));
    const named = isIsolated ? allowances.filter((rule) => !isWildcard(rule.target)) : allowances;
    const allowance = named.find((rule) => opens(rule, place));
    if (allowance)
      return { allowed: true, ...placeOf(allowance), reason: "allowed", text: `${source} may call ${target}` };
    if (named.length > 0) return refused("not-here", `${source} may call ${target}, but not so`);
    if (allowances.length > 0)
      return refused("isolated", `${target} is isolated: a wildcard does not reach it`, allowances[0]);
    return refused("no-rule", `nothing lets ${source} call ${target}`);
  }
}

interface Place {
  readonly method: string | undefined;
  readonly path: readonly string[] | undefined;
}

/** Whether a rule admits a call there. The question whether there may be any call is answered by any rule. */
function opens({ methods, paths }: Rule, { method, path }: Place): boolean {
  if (method === undefined && path === undefined) return true;
  if (methods !== undefined && (method === undefined || !methods.includes(method))) return false;
  return paths === undefined || (path !== undefined && paths.some((pattern) => matchesPath(pattern, path)));
}

/** Whether a denial holds there. It is read widely: an unknown method or path, or other case, may be the one that is meant. */
function closes({ methods, paths }: Rule, { method, path }: Place): boolean {
  const isAnyCall = method === undefined && path === undefined;
  if (isAnyCall) return methods === undefined && paths === undefined;
  if (methods !== undefined && method !== undefined && !methods.includes(method)) return false;
  return paths === undefined || path === undefined || paths.some((pattern) => matchesPath(pattern, path, true));
}

/** Whether a call is at what a permission keeps. Calls without path are not: what is behind them is decided when they say where. */
function guards({ methods, paths }: Permission, { method, path }: Place): boolean {
  if (path === undefined || paths === undefined) return false;
  if (methods !== undefined && method !== undefined && !methods.includes(method)) return false;
  return paths.some((pattern) => matchesPath(pattern, path, true));
}

const placeOf = ({ id, line }: Rule) => ({ rule: id, line });

const refused = (reason: Reason, text: string, rule?: Rule): Decision => ({
  allowed: false,
  ...(rule && placeOf(rule)),
  reason,
  text,
});
