import { Decider } from "./decide.ts";
import { type Matrix, type Rule, wordsOf } from "./rule.ts";

/** The source may call the target, somewhere at least. */
export interface Edge {
  readonly source: string;
  readonly target: string;
  /** The first that lets it. */
  readonly rule: Rule;
}

/** Every service the matrix knows: by name, or by type where it speaks of types alone. */
export function servicesOf({ services, types }: Matrix): readonly string[] {
  const members = new Set(Object.values(types));
  return [...services.map(({ name }) => name).filter((name) => !members.has(name)), ...Object.keys(types)].toSorted();
}

/** Who may call whom, wildcards and isolation applied. In the order of their names. */
export function edgesOf(matrix: Matrix): readonly Edge[] {
  const decider = new Decider(matrix);
  const rules = new Map(matrix.rules.map((rule) => [rule.id, rule]));
  const names = servicesOf(matrix);
  return names.flatMap((source) =>
    names.flatMap((target) => {
      const { allowed, rule: id = "" } = decider.decide({ source, target });
      const rule = rules.get(id);
      return allowed && rule ? [{ source, target, rule }] : [];
    }),
  );
}

/** The shortest way from one service to another over calls that are allowed; undefined where there is none. `source` may be any word. */
export function shortestPath(edges: readonly Edge[], source: string, target: string): readonly Edge[] | undefined {
  const bySource = Map.groupBy(edges, (edge) => edge.source);
  const cameBy = new Map<string, Edge>();
  const queue = [source];
  for (const service of queue) {
    for (const edge of bySource.get(service) ?? []) {
      if (cameBy.has(edge.target)) continue;
      cameBy.set(edge.target, edge);
      if (edge.target === target) return wayTo(target, source, cameBy);
      queue.push(edge.target);
    }
  }
  return undefined;
}

function wayTo(target: string, source: string, cameBy: ReadonlyMap<string, Edge>): readonly Edge[] {
  const way: Edge[] = [];
  let at = target;
  do {
    const edge = cameBy.get(at);
    if (edge === undefined) break;
    way.unshift(edge);
    at = edge.source;
  } while (at !== source);
  return way;
}

/** "Can it ever reach that?": over others, too. Names or types. */
export function reach(matrix: Matrix, source: string, target: string): readonly Edge[] | undefined {
  const edges = edgesOf(matrix);
  const meant = (word: string) => servicesOf(matrix).filter((service) => wordsOf(service, matrix.types).includes(word));
  const ways = meant(source).flatMap((from) => meant(target).flatMap((to) => [shortestPath(edges, from, to) ?? []]));
  return ways.filter((way) => way.length > 0).toSorted((a, b) => a.length - b.length)[0];
}
