import { Decider } from "./decide.ts";
import { type Matrix, matchesName, type Rule, wordsOf } from "./rule.ts";

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
  const names = services.map(({ name }) => name).filter((name) => !members.has(name));
  return [...new Set([...names, ...Object.keys(types)])].toSorted();
}

/** Services that nothing in the matrix tells apart: those of a type of which none is meant by its own name. An organisation has many of them. */
export function alikeIn(matrix: Matrix): readonly (readonly string[])[] {
  const { rules, permissions, services, types } = matrix;
  const named = new Set([
    ...rules.map(({ source }) => source),
    ...permissions.flatMap(({ holders }) => holders),
    ...services.map(({ name }) => name),
  ]);
  const targets = [...new Set([...rules, ...permissions].map(({ target }) => target))];
  const isToldApart = (name: string, type: string) =>
    named.has(name) || targets.some((target) => matchesName(target, [name]) && !matchesName(target, [type]));
  const alike = Map.groupBy(servicesOf(matrix), (name) => {
    const type = Object.hasOwn(types, name) ? types[name] : undefined;
    return type === undefined || isToldApart(name, type) ? name : `type ${type}`;
  });
  return [...alike.values()];
}

/** What fits into a picture: of many that are alike, the first stands for all, under the name of their type. */
export function drawnIn(matrix: Matrix): {
  readonly alike: readonly (readonly string[])[];
  nameOf(service: string): string;
} {
  const all = alikeIn(matrix);
  const many = new Map(
    all.filter(({ length }) => length > MAX_DRAWN).map(([first = ""]) => [first, matrix.types[first]]),
  );
  return {
    alike: all.map((services) => (services.length > MAX_DRAWN ? services.slice(0, 1) : services)),
    nameOf: (service) => many.get(service) ?? service,
  };
}

const MAX_DRAWN = 8;

/** Who may call whom, wildcards and isolation applied. In the order of their names. */
export function edgesOf(matrix: Matrix, alike = alikeIn(matrix)): readonly Edge[] {
  const decider = new Decider(matrix);
  const rules = new Map(matrix.rules.map((rule) => [rule.id, rule]));
  const edges = alike.flatMap((sources) =>
    alike.flatMap((targets) => {
      const [source = "", target = ""] = [sources[0], targets[0]];
      const { allowed, rule: id = "" } = decider.decide({ source, target });
      const rule = rules.get(id);
      if (!allowed || rule === undefined) return [];
      return sources.flatMap((from) => targets.map((to) => ({ source: from, target: to, rule })));
    }),
  );
  return edges.toSorted((a, b) => compare(a.source, b.source) || compare(a.target, b.target));
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

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
  // One of those that are alike stands for all, unless it is asked about.
  const alike = alikeIn(matrix).map((services) => {
    const asked = services.filter((service) => service === source || service === target);
    return asked.length > 0 ? asked : services.slice(0, 1);
  });
  const edges = edgesOf(matrix, alike);
  const meant = (word: string) => alike.flat().filter((service) => wordsOf(service, matrix.types).includes(word));
  const ways = meant(source).flatMap((from) => meant(target).flatMap((to) => [shortestPath(edges, from, to) ?? []]));
  return ways.filter((way) => way.length > 0).toSorted((a, b) => a.length - b.length)[0];
}
