import { AddressGuard, type Lookup, resolverLookup, systemLookup } from "@vcc-pki/network";
import { Prober, type ProberOptions } from "../probe/probe.ts";
import type { ProbeConfig } from "../probe-config.ts";

/** Who probes for an organisation: each has networks of its own. */
export class Probers {
  readonly #made = new Map<string, { readonly guard: AddressGuard; readonly prober: Prober }>();
  readonly #config: ProbeConfig;
  readonly #lookup: Lookup;
  readonly #options: Pick<ProberOptions, "trust" | "identity" | "clock">;

  /** Throws CONFIG_INVALID for a network that is none. */
  constructor(config: ProbeConfig, options: Pick<ProberOptions, "trust" | "identity" | "clock">) {
    this.#config = config;
    this.#options = options;
    this.#lookup = config.resolvers.length === 0 ? systemLookup : resolverLookup(config.resolvers, config.timeout);
    for (const organisation of Object.keys(config.networks)) this.of(organisation);
  }

  /** One for whom nothing is configured connects to nothing. */
  of(organisation: string): { readonly guard: AddressGuard; readonly prober: Prober } {
    const known = this.#made.get(organisation);
    if (known) return known;
    const { networks, timeout: timeoutMs, presentIdentity } = this.#config;
    const { identity, ...options } = this.#options;
    const allowed = Object.hasOwn(networks, organisation) ? (networks[organisation] ?? []) : [];
    const guard = new AddressGuard(allowed, this.#lookup);
    const made = { guard, prober: new Prober({ ...options, guard, timeoutMs, ...(presentIdentity && { identity }) }) };
    // Organisations come from requests: only those that are configured are remembered.
    if (Object.hasOwn(networks, organisation)) this.#made.set(organisation, made);
    return made;
  }
}
