import { lookup, Resolver } from "node:dns/promises";
import { PkiError } from "@vcc-pki/errors";
import { findAddress, Network } from "./network.ts";

/** Why an address is not connected to. The words are stable. */
export type GuardReason =
  | "notAllowed"
  | "loopback"
  | "linkLocal"
  | "metadata"
  | "multicast"
  | "unspecified"
  | "broadcast"
  | "embedded"
  | "zone"
  | "unresolved";

interface Range {
  readonly reason: GuardReason;
  readonly networks: readonly Network[];
  /** No configuration opens it. */
  readonly isNever: boolean;
}

const never = (reason: GuardReason, ...networks: string[]): Range => ({
  ...closed(reason, ...networks),
  isNever: true,
});
const closed = (reason: GuardReason, ...networks: string[]): Range => ({
  reason,
  networks: networks.map((text) => new Network(text)),
  isNever: false,
});

/** Ranges that are refused though an allowed network holds them: the first that matches counts. Those that are not for ever are opened by an
 *  allowed network that lies within them, so that 0.0.0.0/0 does not. */
const GUARDED: readonly Range[] = [
  // Where clouds hand out credentials: AWS, Azure, GCP, Oracle and others; AWS tasks; AWS over IPv6; GCP over IPv6; Alibaba; Oracle's other.
  never(
    "metadata",
    "169.254.169.254/32",
    "169.254.170.2/32",
    "169.254.170.23/32",
    "100.100.100.200/32",
    "192.0.0.192/32",
  ),
  never("metadata", "fd00:ec2::/32", "fd20:ce::254/128"),
  // 0.0.0.0 is this host to Linux (RFC 1122 section 3.2.1.3).
  never("unspecified", "0.0.0.0/8", "::/128"),
  never("broadcast", "255.255.255.255/32"),
  never("multicast", "224.0.0.0/4", "ff00::/8"),
  closed("loopback", "127.0.0.0/8", "::1/128"),
  closed("linkLocal", "169.254.0.0/16", "fe80::/10"),
  // An IPv4 address in another dress would pass the rules for IPv4: mapped, compatible, NAT64, 6to4, Teredo.
  never("embedded", "::ffff:0:0/96", "::/96", "64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32"),
];

/** All addresses of a host name, as text. */
export type Lookup = (host: string) => Promise<readonly string[]>;

export const systemLookup: Lookup = async (host) =>
  (await lookup(host, { all: true, order: "ipv4first" })).map(({ address }) => address);

/** The same by these DNS servers ("10.0.0.53", "[fd00::53]:5353"), without the system's file of hosts. */
export function resolverLookup(servers: readonly string[], timeoutMs: number): Lookup {
  const resolver = new Resolver({ timeout: timeoutMs, tries: 2 });
  resolver.setServers(servers);
  return async (host) => {
    const answers = await Promise.allSettled([resolver.resolve4(host), resolver.resolve6(host)]);
    // Servers without IPv6 refuse the question for it. What is not known is not connected to, so half an answer will do.
    const failed = answers.filter((answer) => answer.status === "rejected");
    if (failed.length === answers.length) throw failed[0]?.reason;
    return answers.flatMap((answer) => (answer.status === "fulfilled" ? answer.value : []));
  };
}

/** More than this of one name are not tried, and an answer of more than `MAX_ADDRESSES` is not believed. */
const MAX_TRIED = 4;
const MAX_ADDRESSES = 64;

/** Where probes may connect: to what lies in a named network and in no guarded range. */
export class AddressGuard {
  readonly #allowed: readonly Network[];
  readonly #lookup: Lookup;

  /** `networks` in CIDR notation; none: nothing is connected to. Throws CONFIG_INVALID for one that is malformed, or that is never connected to. */
  constructor(networks: readonly string[], lookupHost: Lookup = systemLookup) {
    this.#allowed = networks.map((text) => new Network(text));
    this.#lookup = lookupHost;
    for (const network of this.#allowed) {
      const range = rangeOf((each) => network.isWithin(each));
      if (range?.isNever)
        throw new PkiError("CONFIG_INVALID", `network ${network.text} is never connected to: ${range.reason}`);
    }
  }

  /** Why this address is refused; undefined: it is not. Never throws. */
  refusalOf(address: string): GuardReason | undefined {
    if (address.includes("%")) return "zone";
    if (address.includes(":") && address.includes(".")) return "embedded";
    const octets = findAddress(address);
    if (octets === undefined) return "unresolved";
    const range = rangeOf((network) => network.has(octets));
    const allowing = this.#allowed.filter((network) => network.has(octets));
    if (range === undefined) return allowing.length > 0 ? undefined : "notAllowed";
    const isOpened = allowing.some((network) => range.networks.some((outer) => network.isWithin(outer)));
    return isOpened && !range.isNever ? undefined : range.reason;
  }

  /** Whether a whole network lies in one that is allowed. What is guarded in it is still refused, address by address. */
  allows(network: Network): boolean {
    return this.#allowed.some((outer) => network.isWithin(outer));
  }

  /** The addresses behind a host, to be connected to as they are: nobody asks again in between. One that is refused refuses the name, since
   *  whoever mixes them in wants them to be tried. `signal` ends the wait for an answer. Throws PROBE_REFUSED with `details.reason`. */
  async resolve(host: string, signal?: AbortSignal): Promise<readonly string[]> {
    // Nothing is asked of DNS for those who may connect to nothing.
    if (this.#allowed.length === 0) throw refused("notAllowed", host);
    const addresses = findAddress(host) ? [host] : await this.#addressesOf(host, signal);
    for (const address of addresses) {
      const reason = this.refusalOf(address);
      if (reason !== undefined) throw refused(reason, host === address ? address : `${host} is ${address}`);
    }
    return addresses.slice(0, MAX_TRIED);
  }

  async #addressesOf(host: string, signal?: AbortSignal): Promise<readonly string[]> {
    if (host.includes("%")) throw refused("zone", host);
    let addresses: readonly string[];
    try {
      addresses = await untilAborted(this.#lookup(host), signal);
    } catch (cause) {
      throw refused("unresolved", host, cause);
    }
    if (addresses.length === 0 || addresses.length > MAX_ADDRESSES) throw refused("unresolved", host);
    return addresses;
  }
}

const rangeOf = (holds: (network: Network) => boolean): Range | undefined =>
  GUARDED.find(({ networks }) => networks.some(holds));

const refused = (reason: GuardReason, what: string, cause?: unknown): PkiError =>
  new PkiError("PROBE_REFUSED", reason === "unresolved" ? `${what} does not resolve` : `${what}: ${reason}`, {
    details: { reason },
    ...(cause === undefined ? {} : { cause }),
  });

/** The system's lookups cannot be ended: one that is given up goes on unheard. */
function untilAborted<T>(answer: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return answer;
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) return abort();
    signal.addEventListener("abort", abort, { once: true });
    answer.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}
