import type { PathPattern } from "./path.ts";
import { servicesOf } from "./reach.ts";
import { isWildcard, type Matrix, matchesName, type Restriction, wordsOf } from "./rule.ts";

/** What a proxy in front of a service has to do: who is let in where, and what is refused before. */
export interface Enforced extends Restriction {
  /** Of what it comes from: "argus.allowed_outbound[0]", "permission registry_management". */
  readonly name: string;
  readonly effect: "allow" | "deny";
  /** The services that are meant, or, for a permission, all but these. */
  readonly services: readonly string[];
  readonly isAllBut: boolean;
}

/** The rules that are about calls to `target`. */
export function enforcedFor(matrix: Matrix, target: string): readonly Enforced[] {
  const words = wordsOf(target, matrix.types);
  const isIsolated = matrix.services.some(({ name, isolation }) => isolation === "high" && words.includes(name));
  /** The services of a type, and one that is called like it. */
  const members = (word: string) => [
    ...new Set([word, ...servicesOf(matrix).filter((service) => wordsOf(service, matrix.types).includes(word))]),
  ];
  const rules = matrix.rules
    .filter((rule) => matchesName(rule.target, words))
    .filter((rule) => rule.effect === "deny" || !isIsolated || !isWildcard(rule.target))
    .map(({ id, effect, source, methods, paths }) => {
      return { name: id, effect, services: members(source), isAllBut: false, methods, paths };
    });
  const kept = matrix.permissions
    .filter((permission) => matchesName(permission.target, words))
    .map(({ name, holders, methods, paths }): Enforced => {
      const services = holders.flatMap(members);
      return { name: `permission ${name}`, effect: "deny", services, isAllBut: true, methods, paths };
    });
  return [...kept, ...rules];
}

/** The pattern in RE2, for the whole path. A rule that closes is read widely: any case. */
export function pathExpression({ segments, isOpen }: PathPattern, effect: "allow" | "deny"): string {
  const literal = (segment: string) => segment.replaceAll(/[.$()+*?[\]{}|^\\]/g, "\\$&");
  const path = segments.map((segment) => `/${segment === "*" ? "[^/]+" : literal(segment)}`).join("");
  return `${effect === "deny" ? "(?i)" : ""}${path}${isOpen ? "(/.*)?" : "/?"}`;
}
