import { matchesPath, parsePath } from "./path.ts";
import { isWildcard, type Matrix, matchesName, type Permission, type Rule, wordsOf } from "./rule.ts";

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

/** What the matrix says of one service calling another. */
interface Pair {
  readonly denials: readonly Rule[];
  /** Permissions that the source does not hold. */
  readonly missing: readonly Permission[];
  readonly allowances: readonly Rule[];
  /** An allowance by wildcard, which does not reach an isolated target. */
  readonly stopped: Rule | undefined;
}

const MAX_PAIRS = 10_000;

/** Decides calls within one organisation. Default deny; a denial goes before what allows; paths of a permission are for its holders. */
export class Decider {
  readonly #matrix: Matrix;
  readonly #bySource: ReadonlyMap<string, readonly Rule[]>;
  readonly #isolated: ReadonlySet<string>;
  /** Looked up once for each two services that ask; forgotten together when there are too many. */
  readonly #pairs = new Map<string, Map<string, Pair>>();
  #known = 0;

  constructor(matrix: Matrix) {
    this.#matrix = matrix;
    this.#bySource = Map.groupBy(matrix.rules, ({ source }) => source);
    this.#isolated = new Set(matrix.services.filter(({ isolation }) => isolation === "high").map(({ name }) => name));
  }

  /** Never throws: what cannot be understood is denied. */
  decide({ source, target, method, path }: Call): Decision {
    let place: Place;
    try {
      place = { method: method?.toUpperCase(), path: path === undefined ? undefined : parsePath(path) };
    } catch {
      return refused("path-malformed", "the path can be read in two ways");
    }
    const { denials, missing, allowances, stopped } = this.#pairOf(source, target);

    const denial = denials.find((rule) => closes(rule, place));
    if (denial) return refused("denied-by-rule", `${source} may not call ${target}: ${denial.id}`, denial);
    const permission = missing.find((each) => guards(each, place));
    if (permission) return refused("permission-needed", `${target} wants the permission ${permission.name} there`);
    const rule = allowances.find((each) => opens(each, place));
    if (rule) return { allowed: true, ...placeOf(rule), reason: "allowed", text: `${source} may call ${target}` };
    if (allowances.length > 0) return refused("not-here", `${source} may call ${target}, but not so`);
    if (stopped) return refused("isolated", `${target} is isolated: a wildcard does not reach it`, stopped);
    return refused("no-rule", `nothing lets ${source} call ${target}`);
  }

  #pairOf(source: string, target: string): Pair {
    const known = this.#pairs.get(source)?.get(target);
    if (known !== undefined) return known;
    const pair = this.#lookUp(source, target);
    if (this.#known >= MAX_PAIRS) {
      this.#pairs.clear();
      this.#known = 0;
    }
    const ofSource = this.#pairs.get(source) ?? new Map<string, Pair>();
    this.#pairs.set(source, ofSource.set(target, pair));
    this.#known += 1;
    return pair;
  }

  #lookUp(source: string, target: string): Pair {
    const { types, permissions } = this.#matrix;
    const [sourceWords, targetWords] = [wordsOf(source, types), wordsOf(target, types)];
    const rules = sourceWords.flatMap((word) => this.#bySource.get(word) ?? []);
    const meant = rules.filter((rule) => matchesName(rule.target, targetWords));
    const allowances = meant.filter(({ effect }) => effect === "allow");
    const isIsolated = targetWords.some((word) => this.#isolated.has(word));
    return {
      denials: meant.filter(({ effect }) => effect === "deny"),
      missing: permissions
        .filter((permission) => matchesName(permission.target, targetWords))
        .filter(({ holders }) => !holders.some((holder) => sourceWords.includes(holder))),
      allowances: allowances.filter((rule) => !isIsolated || !isWildcard(rule.target)),
      stopped: isIsolated ? allowances[0] : undefined,
    };
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
