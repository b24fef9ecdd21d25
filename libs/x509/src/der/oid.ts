import { malformed } from "./malformed.ts";

/** Caps: real identifiers have at most some 20 arcs; 2.25.<UUID> (X.667) has one of 128 bits. Without them a parser can be
 *  made to build megabytes of text from one field (CVE-2025-66564). */
const MAX_CONTENT_OCTETS = 64;
const MAX_ARC_OCTETS = 19;

/** Content octets of an OBJECT IDENTIFIER (X.690 section 8.19) to dotted text. Throws DER_MALFORMED. */
export function decodeOid(bytes: Uint8Array, start = 0, end: number = bytes.length): string {
  if (end === start) throw malformed("empty OBJECT IDENTIFIER");
  if (end - start > MAX_CONTENT_OCTETS) throw malformed("OBJECT IDENTIFIER too long");
  let text = "";
  let offset = start;
  while (offset < end) {
    const arcStart = offset;
    let arc = 0;
    let octet: number;
    do {
      if (offset === end) throw malformed("OBJECT IDENTIFIER ends inside an arc");
      octet = bytes[offset++] as number;
      arc = arc * 128 + (octet & 0x7f);
    } while (octet & 0x80);
    if (bytes[arcStart] === 0x80) throw malformed("OBJECT IDENTIFIER arc is not minimal");
    if (offset - arcStart > MAX_ARC_OCTETS) throw malformed("OBJECT IDENTIFIER arc too large");
    const exact = arc <= Number.MAX_SAFE_INTEGER ? arc : bigArc(bytes, arcStart, offset);
    text = text === "" ? firstTwoArcs(exact) : `${text}.${exact}`;
  }
  return text;
}

function firstTwoArcs(value: number | bigint): string {
  if (value < 40) return `0.${value}`;
  if (value < 80) return `1.${Number(value) - 40}`;
  return typeof value === "number" ? `2.${value - 80}` : `2.${value - 80n}`;
}

function bigArc(bytes: Uint8Array, start: number, end: number): bigint {
  let arc = 0n;
  for (let i = start; i < end; i++) arc = (arc << 7n) | BigInt((bytes[i] as number) & 0x7f);
  return arc;
}

/** Dotted text to content octets. `text` comes from our own tables or from checked configuration; throws DER_MALFORMED
 *  when it is not an object identifier. */
export function encodeOid(text: string): Uint8Array {
  if (!/^[012](\.(0|[1-9]\d{0,38}))+$/.test(text)) throw malformed(`not an object identifier: "${text.slice(0, 80)}"`);
  const [first = 0n, second = 0n, ...rest] = text.split(".").map(BigInt);
  if (first < 2n && second >= 40n) throw malformed(`not an object identifier: "${text}"`);
  const octets: number[] = [];
  for (const arc of [first * 40n + second, ...rest]) {
    const groups = [Number(arc & 0x7fn)];
    for (let high = arc >> 7n; high > 0n; high >>= 7n) groups.unshift(Number(high & 0x7fn) | 0x80);
    if (groups.length > MAX_ARC_OCTETS) throw malformed("OBJECT IDENTIFIER arc too large");
    octets.push(...groups);
  }
  if (octets.length > MAX_CONTENT_OCTETS) throw malformed("OBJECT IDENTIFIER too long");
  return Uint8Array.from(octets);
}
