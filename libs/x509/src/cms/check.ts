/** One thing that was looked at, and whether it holds. */
export interface Check {
  /** Stable. */
  readonly name: string;
  readonly ok: boolean;
  /** Why not, for people. */
  readonly reason?: string;
  /** True when it could not be looked at, since something before it failed. Then it does not hold either. */
  readonly isOpen?: boolean;
  /** True when it does not hold, which the one who asks has said that he puts up with: `ok` is true then, and `reason` says what it is. */
  readonly isWaived?: boolean;
}

/** A name, and a function that says what is wrong, or undefined. What it throws is what is wrong, too. */
export type NamedCheck<T> = readonly [name: string, findFault: (subject: T) => string | undefined];

export const passed = (name: string): Check => ({ name, ok: true });
export const failed = (name: string, reason: string): Check => ({ name, ok: false, reason });

export const open = (name: string): Check => ({
  ...failed(name, "not looked at, for what is before it failed"),
  isOpen: true,
});

/** What fails, by name and reason, for people: "nonce: it is not the request's; policy: it is under policy 1.2.3". Empty when all hold. */
export const faultsText = (checks: readonly Pick<Check, "name" | "ok" | "reason">[]): string =>
  checks.flatMap(({ name, ok, reason }) => (ok ? [] : [`${name}: ${reason}`])).join("; ");

/** The outcome of one check. */
export function runCheck<T>([name, findFault]: NamedCheck<T>, subject: T): Check {
  try {
    const reason = findFault(subject);
    return reason === undefined ? passed(name) : failed(name, reason);
  } catch (error) {
    return failed(name, error instanceof Error ? error.message : String(error));
  }
}

/** The checks that were made, and those of `names` that were not, for one before them failed: they fail as well. */
export function complete(made: readonly Check[], names: readonly string[]): Check[] {
  const seen = new Set(made.map(({ name }) => name));
  return [...made, ...names.filter((name) => !seen.has(name)).map(open)];
}
