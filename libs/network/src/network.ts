import { PkiError } from "@vcc-pki/errors";
import { parseIpAddress, parseIpRange } from "@vcc-pki/x509";

/** Neighbouring addresses of one family: "10.0.0.0/8", "fd00::/8". */
export class Network {
  readonly text: string;
  /** The first address, 4 or 16 octets. */
  readonly address: Uint8Array;
  readonly #mask: Uint8Array;

  /** Throws CONFIG_INVALID for what is not CIDR notation, or has bits beyond its prefix. */
  constructor(text: string) {
    let range: Uint8Array;
    try {
      range = parseIpRange(text);
    } catch (cause) {
      throw new PkiError("CONFIG_INVALID", `not a network in CIDR notation: ${text.slice(0, 64)}`, { cause });
    }
    this.text = text;
    this.address = range.subarray(0, range.length / 2);
    this.#mask = range.subarray(range.length / 2);
  }

  get prefix(): number {
    return Number(this.text.slice(this.text.indexOf("/") + 1));
  }

  /** `address` has 4 or 16 octets; one of the other family is never inside. */
  has(address: Uint8Array): boolean {
    return (
      address.length === this.address.length &&
      this.address.every((octet, i) => octet === ((address[i] as number) & (this.#mask[i] as number)))
    );
  }

  isWithin(outer: Network): boolean {
    return this.prefix >= outer.prefix && outer.has(this.address);
  }
}

/** Octets of an address without zone and without dotted decimal inside IPv6; undefined for any other text. */
export function findAddress(text: string): Uint8Array | undefined {
  try {
    return parseIpAddress(text);
  } catch {
    return undefined;
  }
}
