import { BlockList } from "node:net";
import { PkiError } from "@vcc-pki/errors";
import { parseIpAddress, parseIpRange } from "@vcc-pki/x509";

/** An IPv4 address as IPv6 sockets show it (RFC 4291 section 2.5.5.2). */
const MAPPED = /^::ffff:(?=\d+\.)/i;

/** A network in CIDR notation. Throws REQUEST_MALFORMED. */
export function checkNetwork(network: string): string {
  try {
    parseIpRange(network);
    return network;
  } catch (cause) {
    throw new PkiError("REQUEST_MALFORMED", 'a network is written "10.1.0.0/16"', { cause });
  }
}

/** Whether an address lies in a network; what is no address lies nowhere. */
export function isInNetwork(address: string, network: string): boolean {
  const [base = "", prefix] = network.split("/");
  const plain = address.replace(MAPPED, "");
  try {
    parseIpAddress(plain);
  } catch {
    return false;
  }
  const isIpv6 = plain.includes(":");
  if (isIpv6 !== base.includes(":")) return false;
  const list = new BlockList();
  list.addSubnet(base, Number(prefix), isIpv6 ? "ipv6" : "ipv4");
  return list.check(plain, isIpv6 ? "ipv6" : "ipv4");
}
