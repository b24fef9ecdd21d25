import type { Store } from "@vcc-pki/store";
import type { Clock } from "@vcc-pki/time";
import type { Registry } from "./registry.ts";
import type { ServiceKey } from "./service-record.ts";
import type { ObservedCallTable } from "./store/observed-calls.ts";

export interface DependenciesOptions {
  readonly store: Store;
  readonly table: ObservedCallTable;
  readonly registry: Registry;
  readonly clock: Clock;
}

/** That one service needs another, by its own word, by what was observed, or both. */
export interface Dependency {
  readonly source: string;
  readonly targetOrganisation: string;
  readonly target: string;
  readonly isDeclared: boolean;
  readonly allowed: number;
  readonly denied: number;
  /** undefined: never. */
  readonly observedAt: Date | undefined;
}

interface Count {
  readonly from: ServiceKey;
  readonly to: ServiceKey;
  allowed: number;
  denied: number;
}

/** Between two writes; what comes above is not counted. */
const MAX_COUNTED = 10_000;
const MAX_LISTED = 10_000;

/** Who calls whom. Decisions come by the thousand in a second, so they are counted in memory and written every few seconds; a crash forgets the last of them. */
export class Dependencies {
  readonly #options: DependenciesOptions;
  #counts = new Map<string, Count>();

  constructor(options: DependenciesOptions) {
    this.#options = options;
  }

  /** A service has asked whether it may call another, or was asked for by one. */
  observe(from: ServiceKey, to: ServiceKey, isAllowed: boolean): void {
    const name = `${from.organisation} ${from.service} ${to.organisation} ${to.service}`;
    let count = this.#counts.get(name);
    if (count === undefined) {
      if (this.#counts.size >= MAX_COUNTED) return;
      count = { from, to, allowed: 0, denied: 0 };
      this.#counts.set(name, count);
    }
    if (isAllowed) count.allowed++;
    else count.denied++;
  }

  /** Writes what was counted. Rejects with STORE_UNAVAILABLE; what was counted is kept for the next time. */
  async flush(): Promise<void> {
    if (this.#counts.size === 0) return;
    const { store, table, clock } = this.#options;
    const counted = [...this.#counts.values()].map(({ from, to, ...times }) => ({
      ...{ organisation: from.organisation, source: from.service },
      ...{ targetOrganisation: to.organisation, target: to.service, ...times, observedAt: clock.now() },
    }));
    const before = this.#counts;
    this.#counts = new Map();
    try {
      await store.write(() => {
        for (const calls of counted) table.add(calls);
      });
    } catch (error) {
      for (const { from, to, allowed, denied } of before.values()) this.#putBack(from, to, allowed, denied);
      throw error;
    }
  }

  /** Of the services of one organisation, in the order of their names. */
  list(organisation: string): Dependency[] {
    const { table, registry } = this.#options;
    const found = new Map<string, Dependency>();
    for (const { source, targetOrganisation, target, allowed, denied, observedAt } of table.list(
      organisation,
      MAX_LISTED,
    ))
      found.set(`${source} ${targetOrganisation} ${target}`, {
        ...{ source, targetOrganisation, target, allowed, denied, observedAt, isDeclared: false },
      });
    for (const { service: source, dependsOn } of registry.page({ organisation, state: "", type: "" }, "", MAX_LISTED))
      for (const target of dependsOn) {
        const name = `${source} ${organisation} ${target}`;
        const never = {
          source,
          target,
          targetOrganisation: organisation,
          allowed: 0,
          denied: 0,
          observedAt: undefined,
        };
        found.set(name, { ...(found.get(name) ?? never), isDeclared: true });
      }
    return [...found.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, dependency]) => dependency);
  }

  #putBack(from: ServiceKey, to: ServiceKey, allowed: number, denied: number): void {
    const name = `${from.organisation} ${from.service} ${to.organisation} ${to.service}`;
    const since = this.#counts.get(name);
    this.#counts.set(name, {
      ...{ from, to, allowed: allowed + (since?.allowed ?? 0), denied: denied + (since?.denied ?? 0) },
    });
  }
}
