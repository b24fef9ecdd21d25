import { PkiError } from "@vcc-pki/errors";
import type { Network } from "@vcc-pki/network";
import { formatIpAddress } from "@vcc-pki/x509";

/** Every address of some networks at every one of some ports, numbered, so that a sweep can be taken up where it was left. */
export class SweepPlan {
  readonly total: number;
  readonly #networks: readonly { readonly network: Network; readonly size: number }[];
  readonly #ports: readonly number[];

  /** Throws REQUEST_TOO_LARGE above `maxTargets`. */
  constructor(networks: readonly Network[], ports: readonly number[], maxTargets: number) {
    this.#networks = networks.map((network) => ({ network, size: 2 ** (network.address.length * 8 - network.prefix) }));
    this.#ports = ports;
    this.total = this.#networks.reduce((sum, { size }) => sum + size, 0) * ports.length;
    if (this.total > maxTargets) throw new PkiError("REQUEST_TOO_LARGE", `a sweep has ${maxTargets} targets at most`);
  }

  /** Ports change last: a host is not asked at all of them at once. */
  at(index: number): { readonly host: string; readonly port: number } {
    const addresses = this.total / this.#ports.length;
    const port = this.#ports[Math.floor(index / addresses)];
    let offset = index % addresses;
    for (const { network, size } of this.#networks) {
      if (offset < size && port !== undefined) return { host: addressAt(network, offset), port };
      offset -= size;
    }
    throw new RangeError("no such target");
  }
}

/** `offset` fits the network. */
function addressAt({ address }: Network, offset: number): string {
  const octets = Uint8Array.from(address);
  let rest = offset;
  for (let i = octets.length - 1; rest > 0; i--) {
    const sum = (octets[i] as number) + (rest % 256);
    octets[i] = sum;
    rest = Math.floor(rest / 256);
  }
  return formatIpAddress(octets);
}
