import { PkiError } from "@vcc-pki/errors";

/** Octets of an IPv4 address in dotted decimal or an IPv6 address (RFC 4291 section 2.2, without zone). Throws NAME_MALFORMED. */
export function parseIpAddress(text: string): Uint8Array {
  const octets = text.includes(":") ? parseIpv6(text) : parseIpv4(text);
  if (octets === undefined) throw new PkiError("NAME_MALFORMED", "not an IP address");
  return Uint8Array.from(octets);
}

/** Address and mask of "10.0.0.0/8" or "2001:db8::/32", as nameConstraints encodes them (RFC 5280 section 4.2.1.10): 8 or 32
 *  octets. Bits beyond the prefix must be zero. Throws NAME_MALFORMED. */
export function parseIpRange(text: string): Uint8Array {
  const [, addressText = "", prefixText = ""] = /^([^/]+)\/(0|[1-9]\d{0,2})$/.exec(text) ?? [];
  const address = parseIpAddress(addressText);
  const prefix = Number(prefixText);
  if (prefix > address.length * 8) throw new PkiError("NAME_MALFORMED", "IP prefix is longer than the address");
  const mask = address.map((_, i) => 0xff & (0xff00 >> Math.min(8, Math.max(0, prefix - i * 8))));
  if (address.some((octet, i) => (octet & ~(mask[i] as number)) !== 0)) {
    throw new PkiError("NAME_MALFORMED", "IP range has bits beyond its prefix");
  }
  return Uint8Array.from([...address, ...mask]);
}

/** Text of 4 or 16 octets; IPv6 as RFC 5952 writes it. */
export function formatIpAddress(octets: Uint8Array): string {
  if (octets.length === 4) return octets.join(".");
  const groups = Array.from({ length: 8 }, (_, i) => ((octets[2 * i] as number) << 8) | (octets[2 * i + 1] as number));
  const { start, length } = longestZeroRun(groups);
  const hex = (from: number, to: number) =>
    groups
      .slice(from, to)
      .map((group) => group.toString(16))
      .join(":");
  return length < 2 ? hex(0, 8) : `${hex(0, start)}::${hex(start + length, 8)}`;
}

function parseIpv4(text: string): number[] | undefined {
  if (!/^(0|[1-9]\d{0,2})(\.(0|[1-9]\d{0,2})){3}$/.test(text)) return undefined;
  const octets = text.split(".").map(Number);
  return octets.every((octet) => octet <= 255) ? octets : undefined;
}

function parseIpv6(text: string): number[] | undefined {
  const halves = text.split("::").map((half) => (half === "" ? [] : half.split(":")));
  const [head = [], tail] = halves;
  if (halves.length > 2) return undefined;
  const groups = [...head, ...(tail ?? [])];
  const missing = 8 - groups.length;
  if (tail === undefined ? missing !== 0 : missing < 1) return undefined;
  if (!groups.every((group) => /^[0-9A-Fa-f]{1,4}$/.test(group))) return undefined;
  const filled = [...head, ...Array<string>(missing).fill("0"), ...(tail ?? [])];
  return filled.flatMap((group) => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 0xff]);
}

function longestZeroRun(groups: readonly number[]): { start: number; length: number } {
  let best = { start: 0, length: 0 };
  for (let start = 0; start < groups.length; start++) {
    let end = start;
    while (groups[end] === 0) end++;
    if (end - start > best.length) best = { start, length: end - start };
  }
  return best;
}
