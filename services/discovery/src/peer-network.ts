import { PkiError } from "@vcc-pki/errors";
import { findAddress, Network } from "@vcc-pki/network";

/** An IPv4 address as IPv6 sockets show it (RFC 4291 section 2.5.5.2). */
const MAPPED = /^::ffff:(?=\d+\.)/i;

/** A network in CIDR notation. Throws REQUEST_MALFORMED. */
export function checkNetwork(text: string): string {
  try {
    return new Network(text).text;
  } catch (cause) {
    throw new PkiError("REQUEST_MALFORMED", 'a network is written "10.1.0.0/16"', { cause });
  }
}

/** Whether an address lies in a network; what is no address lies nowhere. */
export function isInNetwork(address: string, network: string): boolean {
  const octets = findAddress(address.replace(MAPPED, ""));
  return octets !== undefined && new Network(network).has(octets);
}
