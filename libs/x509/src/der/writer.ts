import { encodeOid } from "./oid.ts";
import { TAG } from "./tags.ts";

/** Identifiers encoded before; filled from our own tables (see oids.ts), so it does not grow with input. */
const ENCODED_OIDS = new Map<string, Uint8Array>();

/** Encodes these once and for all. */
export function rememberOids(texts: Iterable<string>): void {
  for (const text of texts) ENCODED_OIDS.set(text, encodeOid(text));
}

/**
 * Writes DER backwards: the last value first, and within a constructed value its children from right to left. Lengths are
 * then known when they are written, so nothing is computed or moved twice. The pattern is
 *
 *     const end = writer.mark();
 *     writer.raw(second);
 *     writer.raw(first);
 *     writer.wrap(TAG.SEQUENCE, end);
 */
export class DerWriter {
  #buffer: Buffer;
  /** Offset of the first octet written so far. */
  #start: number;

  constructor(capacity = 1024) {
    this.#buffer = Buffer.allocUnsafe(capacity);
    this.#start = capacity;
  }

  /** How much has been written. Pass it to `wrap` to enclose what comes to stand left of it. */
  mark(): number {
    return this.#buffer.length - this.#start;
  }

  /** A copy of what was written. */
  finish(): Uint8Array {
    return new Uint8Array(this.#buffer.subarray(this.#start));
  }

  /** What was written, without a copy. The writer must not be used any more. */
  take(): Buffer {
    return this.#buffer.subarray(this.#start);
  }

  octet(value: number): void {
    this.#reserve(1);
    this.#buffer[--this.#start] = value;
  }

  /** Octets that are already DER. */
  raw(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#start -= bytes.length;
    this.#buffer.set(bytes, this.#start);
  }

  /** Writes several values that are already DER, so that they stand in the order given. */
  rawAll(values: readonly Uint8Array[]): void {
    for (let i = values.length - 1; i >= 0; i--) this.raw(values[i] as Uint8Array);
  }

  /** Puts tag and length before everything written since `mark`. */
  wrap(tag: number, mark: number): void {
    const length = this.mark() - mark;
    if (length < 0x80) this.octet(length);
    else {
      let count = 0;
      for (let rest = length; rest > 0; rest >>>= 8) {
        this.octet(rest & 0xff);
        count++;
      }
      this.octet(0x80 | count);
    }
    this.octet(tag);
  }

  primitive(tag: number, content: Uint8Array): void {
    const end = this.mark();
    this.raw(content);
    this.wrap(tag, end);
  }

  boolean(value: boolean, tag: number = TAG.BOOLEAN): void {
    this.octet(value ? 0xff : 0x00);
    this.octet(1);
    this.octet(tag);
  }

  /** A non-negative INTEGER. */
  integer(value: number | bigint, tag: number = TAG.INTEGER): void {
    const end = this.mark();
    let rest = BigInt(value);
    if (rest < 0n) throw new RangeError("negative INTEGER");
    let octet: number;
    do {
      octet = Number(rest & 0xffn);
      this.octet(octet);
      rest >>= 8n;
    } while (rest > 0n);
    if (octet >= 0x80) this.octet(0);
    this.wrap(tag, end);
  }

  oid(text: string, tag: number = TAG.OID): void {
    this.primitive(tag, ENCODED_OIDS.get(text) ?? encodeOid(text));
  }

  octetString(content: Uint8Array): void {
    this.primitive(TAG.OCTET_STRING, content);
  }

  /** A BIT STRING of whole octets. */
  bitString(content: Uint8Array): void {
    const end = this.mark();
    this.raw(content);
    this.octet(0);
    this.wrap(TAG.BIT_STRING, end);
  }

  /** A BIT STRING with these bits set, without trailing zero bits (X.690 section 11.2.2). */
  namedBits(bits: readonly number[], tag: number = TAG.BIT_STRING): void {
    const highest = Math.max(-1, ...bits);
    const content = new Uint8Array(1 + ((highest + 8) >> 3));
    content[0] = highest < 0 ? 0 : 7 - (highest & 7);
    for (const bit of bits) content[1 + (bit >> 3)] = (content[1 + (bit >> 3)] as number) | (0x80 >> (bit & 7));
    this.primitive(tag, content);
  }

  utf8(tag: number, text: string): void {
    this.primitive(tag, Buffer.from(text, "utf8"));
  }

  /** Time of RFC 5280 section 4.1.2.5: UTCTime through 2049, GeneralizedTime from 2050; whole seconds, Z. */
  time(date: Date): void {
    const year = date.getUTCFullYear();
    if (year >= 1950 && year < 2050) {
      this.octet(0x5a);
      this.#fromYearOfCentury(date);
      this.octet(13);
      this.octet(TAG.UTC_TIME);
    } else {
      this.generalizedTime(date);
    }
  }

  /** GeneralizedTime in whole seconds, Z, for the fields that are always of this type. Throws a RangeError beyond the years 0 to
   *  9999. */
  generalizedTime(date: Date, tag: number = TAG.GENERALIZED_TIME): void {
    this.fractionalTime(date, 0, tag);
  }

  /** GeneralizedTime, Z, with so many digits of a second's fraction (0 to 3, the rest is cut off), less trailing zeros (X.690 section
   *  11.7). Throws a RangeError beyond the years 0 to 9999. */
  fractionalTime(date: Date, fractionDigits: number, tag: number = TAG.GENERALIZED_TIME): void {
    const year = date.getUTCFullYear();
    if (!(year >= 0 && year <= 9999)) throw new RangeError("year does not fit four digits");
    const end = this.mark();
    this.octet(0x5a);
    if (fractionDigits > 0) this.#fraction(date, fractionDigits);
    this.#fromYearOfCentury(date);
    this.#twoDigits(Math.floor(year / 100));
    this.octet(this.mark() - end);
    this.octet(tag);
  }

  #fraction(date: Date, digits: number): void {
    let left = digits;
    let fraction = Math.floor(date.getUTCMilliseconds() / 10 ** (3 - digits));
    if (fraction === 0) return;
    for (; fraction % 10 === 0; left--) fraction /= 10;
    for (; left > 0; left--) {
      this.octet(0x30 + (fraction % 10));
      fraction = Math.floor(fraction / 10);
    }
    this.octet(0x2e);
  }

  /** YYMMDDHHMMSS; fractions of a second are cut off. By the digit, because lists and answers consist of little but times. */
  #fromYearOfCentury(date: Date): void {
    this.#twoDigits(date.getUTCSeconds());
    this.#twoDigits(date.getUTCMinutes());
    this.#twoDigits(date.getUTCHours());
    this.#twoDigits(date.getUTCDate());
    this.#twoDigits(date.getUTCMonth() + 1);
    this.#twoDigits(date.getUTCFullYear() % 100);
  }

  #twoDigits(value: number): void {
    this.octet(0x30 + (value % 10));
    this.octet(0x30 + Math.floor(value / 10));
  }

  #reserve(octets: number): void {
    if (this.#start >= octets) return;
    const used = this.mark();
    const grown = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, used + octets));
    this.#buffer.copy(grown, grown.length - used, this.#start);
    this.#start = grown.length - used;
    this.#buffer = grown;
  }
}

/** DER of what `write` puts into a fresh writer. */
export function encode(write: (writer: DerWriter) => void, capacity?: number): Uint8Array {
  const writer = new DerWriter(capacity);
  write(writer);
  return writer.finish();
}
