import { type Document, isMap, isNode, isScalar, LineCounter, parseDocument } from "yaml";
import { examine, type Finding, isError } from "./findings.ts";
import { MatrixFile, type Outbound } from "./grammar.ts";
import { type PathPattern, parsePathPattern } from "./path.ts";
import type { Matrix, Permission, Restriction, Rule } from "./rule.ts";

const MAX_CHARACTERS = 1024 * 1024;

/** A matrix and what is to be said of it. There is no matrix when a finding is an error. */
export interface Reading {
  readonly matrix?: Matrix;
  /** In the order of their lines. */
  readonly findings: readonly Finding[];
}

export interface ReadOptions {
  /** The type of each service; one that is called like its type and is not listed is a type alone once another is of it. */
  readonly types?: Readonly<Record<string, string>>;
}

/** Reads a matrix from YAML (grammar.ts). Never throws for what is written there: every mistake is a finding with its line, all of one kind at
 *  once: syntax, then grammar, then what the rules mean together. */
export function readMatrix(yaml: string, { types = {} }: ReadOptions = {}): Reading {
  if (yaml.length > MAX_CHARACTERS) return { findings: [syntax(1, "longer than 1 MiB")] };
  const lines = new LineCounter();
  const document = parseDocument(yaml, { uniqueKeys: true, lineCounter: lines });
  const problems = [...document.errors, ...document.warnings];
  if (problems.length > 0) {
    return { findings: problems.map(({ pos, message }) => syntax(lines.linePos(pos[0]).line, firstLine(message))) };
  }
  let tree: unknown;
  try {
    tree = document.toJS({ maxAliasCount: 0 });
  } catch (error) {
    return { findings: [syntax(1, `aliases are not taken: ${firstLine(String(error))}`)] };
  }

  const lineOf = (path: readonly PropertyKey[]): number => lines.linePos(offsetOf(document, path)).line;
  const parsed = MatrixFile.safeParse(tree);
  if (!parsed.success) {
    const findings = parsed.error.issues.map((issue) => {
      const path = issue.code === "unrecognized_keys" ? [...issue.path, issue.keys[0] ?? ""] : issue.path;
      return syntax(lineOf(path), `${path.join(".")}: ${issue.message}`);
    });
    return { findings: inOrder(findings) };
  }
  return compile(parsed.data, lineOf, types);
}

function compile(file: MatrixFile, lineOf: (path: readonly PropertyKey[]) => number, types: Matrix["types"]): Reading {
  const mistakes: Finding[] = [];
  const patternsOf = (texts: readonly string[] | undefined, line: number): readonly PathPattern[] | undefined =>
    texts?.flatMap((text) => {
      try {
        return [parsePathPattern(text)];
      } catch (error) {
        mistakes.push(syntax(line, error instanceof Error ? error.message : String(error)));
        return [];
      }
    });
  const restrictionOf = ({ methods, paths }: { methods?: string[]; paths?: string[] }, line: number): Restriction => ({
    methods,
    paths: patternsOf(paths, line),
  });

  const policies = Object.entries(file.service_communication_policies);
  const rulesOf = (
    source: string,
    key: "allowed_outbound" | "denied_outbound",
    outbound: readonly Outbound[],
  ): Rule[] =>
    outbound.map((entry, i) => {
      const line = lineOf(["service_communication_policies", source, key, i]);
      const target = typeof entry === "string" ? entry : entry.service;
      const restriction = typeof entry === "string" ? {} : restrictionOf(entry, line);
      const effect = key === "allowed_outbound" ? "allow" : "deny";
      return { id: `${source}.${key}[${i}]`, line, effect, source, target, ...restriction };
    });
  const matrix: Matrix = {
    types,
    services: policies.map(([name, { isolation_level: isolation }]) => ({
      ...{ name, isolation },
      line: lineOf(["service_communication_policies", name]),
    })),
    rules: policies.flatMap(([source, { allowed_outbound, denied_outbound }]) => [
      ...rulesOf(source, "allowed_outbound", allowed_outbound),
      ...rulesOf(source, "denied_outbound", denied_outbound),
    ]),
    permissions: Object.entries(file.special_permissions).map(([name, entry]): Permission => {
      const line = lineOf(["special_permissions", name]);
      const holders = policies
        .filter(([, policy]) => policy.special_permissions.includes(name))
        .map(([holder]) => holder);
      return { name, line, target: entry.service, holders, ...restrictionOf(entry, line) };
    }),
  };
  const unknown = policies.flatMap(([service, { special_permissions }]) =>
    special_permissions.flatMap((name, i): Finding[] => {
      const line = lineOf(["service_communication_policies", service, "special_permissions", i]);
      const message = `${service} holds ${name}, which special_permissions does not describe`;
      return Object.hasOwn(file.special_permissions, name)
        ? []
        : [{ severity: "error", kind: "unknown-permission", line, message }];
    }),
  );
  const findings = inOrder([...mistakes, ...unknown, ...examine(matrix, file.cycles)]);
  return findings.some(isError) ? { findings } : { matrix, findings };
}

/** Where the innermost part of the path that is there begins: of an entry its key, of an item itself. */
function offsetOf(document: Document, path: readonly PropertyKey[]): number {
  for (let depth = path.length; depth > 0; depth -= 1) {
    const [parent, last] = [document.getIn(path.slice(0, depth - 1), true), path[depth - 1]];
    const pair = isMap(parent) ? parent.items.find(({ key }) => isScalar(key) && key.value === last) : undefined;
    const node: unknown = pair === undefined ? document.getIn(path.slice(0, depth), true) : pair.key;
    if (isNode(node) && node.range) return node.range[0];
  }
  return 0;
}

const inOrder = (findings: readonly Finding[]): readonly Finding[] => findings.toSorted((a, b) => a.line - b.line);
const syntax = (line: number, message: string): Finding => ({ severity: "error", kind: "syntax", line, message });
const firstLine = (text: string): string => text.split("\n", 1)[0] ?? "";
