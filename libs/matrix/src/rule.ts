import type { PathPattern } from "./path.ts";

/** "covina", "*_database": a name of a service or of a type of services, "*" for any characters. */
export type NamePattern = string;

/** Where in a service a rule holds. */
export interface Restriction {
  /** Upper case. Absent: any. */
  readonly methods?: readonly string[];
  /** Absent: any. */
  readonly paths?: readonly PathPattern[];
}

/** A line of the matrix: the source may, or may not, call the target there. */
export interface Rule extends Restriction {
  /** Its place in the matrix: "covina.allowed_outbound[2]". */
  readonly id: string;
  /** In the file, from 1. */
  readonly line: number;
  readonly effect: "allow" | "deny";
  readonly source: string;
  readonly target: NamePattern;
}

/** Paths of a service that are for holders of a permission alone. */
export interface Permission extends Restriction {
  readonly name: string;
  readonly line: number;
  readonly target: NamePattern;
  readonly holders: readonly string[];
}

export interface MatrixService {
  readonly name: string;
  readonly line: number;
  /** High: a wildcard does not reach it, it is called by those who name it. */
  readonly isolation: "normal" | "high";
}

/** Whom each service of an organisation may call. Made by `readMatrix`, or from its JSON form. */
export interface Matrix {
  readonly services: readonly MatrixService[];
  readonly rules: readonly Rule[];
  readonly permissions: readonly Permission[];
  /** The type of each service; one that is called like its type and is not listed is a type alone once another is of it. */
  readonly types: Readonly<Record<string, string>>;
}

/** What a service answers to: its name, and its type. */
export function wordsOf(service: string, types: Matrix["types"]): readonly string[] {
  const type = Object.hasOwn(types, service) ? types[service] : undefined;
  return type === undefined || type === service ? [service] : [service, type];
}

const expressions = new Map<NamePattern, RegExp>();
const MAX_EXPRESSIONS = 10_000;

export const isWildcard = (pattern: NamePattern): boolean => pattern.includes("*");

/** Whether the pattern means one of the words. */
export function matchesName(pattern: NamePattern, words: readonly string[]): boolean {
  if (!isWildcard(pattern)) return words.includes(pattern);
  let expression = expressions.get(pattern);
  if (expression === undefined) {
    if (expressions.size >= MAX_EXPRESSIONS) expressions.clear();
    expression = new RegExp(`^${pattern.split("*").map(RegExp.escape).join(".*")}$`);
    expressions.set(pattern, expression);
  }
  return words.some((word) => expression.test(word));
}
