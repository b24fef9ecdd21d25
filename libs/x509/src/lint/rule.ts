import type { Certificate } from "../certificate.ts";

/** Something that must not be signed as it is. */
export interface Finding {
  /** Name of the rule, stable. */
  readonly rule: string;
  /** What is wrong, for people. */
  readonly message: string;
}

/** A name, and a function that says what is wrong or returns undefined. `issuer` is undefined for a self-signed root. */
export type Rule<T, I = Certificate | undefined> = readonly [
  rule: string,
  check: (subject: T, issuer: I) => string | false | undefined,
];

export function runRules<T, I>(rules: readonly Rule<T, I>[], subject: T, issuer: I): Finding[] {
  return rules.flatMap(([rule, check]) => {
    const message = check(subject, issuer);
    return message ? [{ rule, message }] : [];
  });
}
