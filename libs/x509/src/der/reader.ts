import { malformed } from "./malformed.ts";
import { decodeOid } from "./oid.ts";
import { CONSTRUCTED, TAG } from "./tags.ts";

const MAX_DEPTH = 32;

/**
 * Strict reader of DER (X.690 sections 8 and 10), forward, one value at a time. It takes definite lengths in their shortest
 * form only, and tag numbers below 31. Slices share the input's memory. Every method throws DER_MALFORMED.
 */
export class DerReader {
  readonly #bytes: Uint8Array;
  readonly #end: number;
  readonly #depth: number;
  #offset: number;
  #contentStart = 0;

  private constructor(bytes: Uint8Array, start: number, end: number, depth: number) {
    if (depth > MAX_DEPTH) throw malformed("nested too deeply");
    this.#bytes = bytes;
    this.#offset = start;
    this.#end = end;
    this.#depth = depth;
  }

  /** A reader over `bytes`, which may be at most `maxOctets` long. */
  static over(bytes: Uint8Array, maxOctets: number = Number.MAX_SAFE_INTEGER): DerReader {
    if (bytes.length > maxOctets) throw malformed(`longer than ${maxOctets} octets`);
    return new DerReader(bytes, 0, bytes.length, 0);
  }

  /** Parses `bytes` as exactly one value with this tag around the children that `read` takes, with nothing left over. */
  static whole<T>(bytes: Uint8Array, tag: number, read: (children: DerReader) => T, maxOctets?: number): T {
    const reader = DerReader.over(bytes, maxOctets);
    const children = reader.enter(tag);
    reader.end();
    const result = read(children);
    children.end();
    return result;
  }

  get atEnd(): boolean {
    return this.#offset === this.#end;
  }

  /** True if another value follows and has this tag. */
  nextIs(tag: number): boolean {
    return this.#offset < this.#end && this.#bytes[this.#offset] === tag;
  }

  /** Tag of the next value; DER_MALFORMED at the end. */
  peekTag(): number {
    return this.#byte(this.#offset);
  }

  /** Throws unless everything was read. */
  end(): void {
    if (this.#offset !== this.#end) throw malformed(`${this.#end - this.#offset} trailing octets`);
  }

  /** The next value with its tag and length. Without `tag`: whatever it is. */
  element(tag?: number): Uint8Array {
    const start = this.#offset;
    return this.#bytes.subarray(start, this.#next(tag));
  }

  /** Content octets of the next value. */
  content(tag: number): Uint8Array {
    const end = this.#next(tag);
    return this.#bytes.subarray(this.#contentStart, end);
  }

  /** A reader over the children of the next, constructed value. The caller calls `end()` on it. */
  enter(tag: number): DerReader {
    const end = this.#next(tag);
    return new DerReader(this.#bytes, this.#contentStart, end, this.#depth + 1);
  }

  /** Reads the children of the next value through `read` and insists that it takes all of them. */
  within<T>(tag: number, read: (children: DerReader) => T): T {
    const children = this.enter(tag);
    const result = read(children);
    children.end();
    return result;
  }

  /** `within`, or undefined when the next value has another tag or there is none. */
  optional<T>(tag: number, read: (children: DerReader) => T): T | undefined {
    return this.nextIs(tag) ? this.within(tag, read) : undefined;
  }

  /** Each child of the next value, at least `minimum` of them. */
  listOf<T>(tag: number, read: (children: DerReader) => T, minimum = 1): T[] {
    const children = this.enter(tag);
    const list: T[] = [];
    while (!children.atEnd) list.push(read(children));
    if (list.length < minimum) throw malformed("list is too short");
    return list;
  }

  boolean(tag: number = TAG.BOOLEAN): boolean {
    const content = this.content(tag);
    if (content.length !== 1 || (content[0] !== 0x00 && content[0] !== 0xff))
      throw malformed("BOOLEAN is not 00 or FF");
    return content[0] === 0xff;
  }

  /** A field `BOOLEAN DEFAULT FALSE`: absent is false, and an encoded FALSE is not DER (X.690 section 11.5). */
  booleanDefaultFalse(tag: number = TAG.BOOLEAN): boolean {
    if (!this.nextIs(tag)) return false;
    if (!this.boolean(tag)) throw malformed("DEFAULT FALSE is encoded");
    return true;
  }

  /** Content octets of an INTEGER: two's complement, in its shortest form. */
  integer(tag: number = TAG.INTEGER): Uint8Array {
    const content = this.content(tag);
    const [first, second = 0] = content;
    if (first === undefined) throw malformed("empty INTEGER");
    if (content.length > 1 && ((first === 0x00 && second < 0x80) || (first === 0xff && second >= 0x80))) {
      throw malformed("INTEGER is not minimal");
    }
    return content;
  }

  /** A non-negative INTEGER (or ENUMERATED) of at most 47 bits. */
  smallInteger(tag: number = TAG.INTEGER): number {
    const content = this.integer(tag);
    if (content.length > 6 || (content[0] as number) >= 0x80) throw malformed("INTEGER out of range");
    let value = 0;
    for (const octet of content) value = value * 256 + octet;
    return value;
  }

  oid(tag: number = TAG.OID): string {
    const end = this.#next(tag);
    return decodeOid(this.#bytes, this.#contentStart, end);
  }

  octetString(tag: number = TAG.OCTET_STRING): Uint8Array {
    return this.content(tag);
  }

  /** A BIT STRING that holds whole octets, as keys and signatures do. */
  bitStringOctets(): Uint8Array {
    const content = this.content(TAG.BIT_STRING);
    if (content[0] !== 0) throw malformed("BIT STRING is not a whole number of octets");
    return content.subarray(1);
  }

  /** A BIT STRING with named bits: the numbers of those set. Trailing zero bits are not DER (X.690 section 11.2.2). */
  namedBits(tag: number = TAG.BIT_STRING): number[] {
    const { unused, octets } = this.#bitString(tag);
    const last = octets.at(-1);
    if (last !== undefined && (last & (1 << unused)) === 0) throw malformed("BIT STRING has trailing zero bits");
    const bits: number[] = [];
    for (let i = 0; i < octets.length * 8; i++) {
      if ((octets[i >> 3] as number) & (0x80 >> (i & 7))) bits.push(i);
    }
    return bits;
  }

  null(): void {
    if (this.content(TAG.NULL).length !== 0) throw malformed("NULL with content");
  }

  /** Passes over the next value, whatever it is, after walking it to its leaves: what we do not understand is DER all the same. */
  skipChecked(): void {
    const tag = this.peekTag();
    if (tag & CONSTRUCTED) {
      const children = this.enter(tag);
      while (!children.atEnd) children.skipChecked();
      return;
    }
    switch (tag) {
      case TAG.BOOLEAN:
        this.boolean();
        return;
      case TAG.INTEGER:
      case TAG.ENUMERATED:
        this.integer(tag);
        return;
      case TAG.BIT_STRING:
        this.#bitString(tag);
        return;
      case TAG.NULL:
        this.null();
        return;
      case TAG.OID:
        this.oid();
        return;
      default:
        this.element();
    }
  }

  /** A BIT STRING whose unused bits are zero (X.690 section 11.2.1). */
  #bitString(tag: number): { unused: number; octets: Uint8Array } {
    const content = this.content(tag);
    const [unused] = content;
    const octets = content.subarray(1);
    if (unused === undefined || unused > (octets.length === 0 ? 0 : 7)) throw malformed("BIT STRING header");
    if (unused > 0 && ((octets.at(-1) as number) & ((1 << unused) - 1)) !== 0) throw malformed("unused bits are set");
    return { unused, octets };
  }

  #byte(offset: number): number {
    if (offset >= this.#end) throw malformed("value is cut short");
    return this.#bytes[offset] as number;
  }

  /** Reads the header at the offset, sets `#contentStart`, moves behind the value and returns that offset. */
  #next(expectedTag?: number): number {
    const tag = this.#byte(this.#offset);
    if (expectedTag !== undefined && tag !== expectedTag) {
      throw malformed(`tag ${tag.toString(16)} where ${expectedTag.toString(16)} belongs`);
    }
    if ((tag & 0x1f) === 0x1f) throw malformed("tag number above 30");
    if (tag === 0) throw malformed("end-of-contents octets");
    let offset = this.#offset + 2;
    let length = this.#byte(this.#offset + 1);
    if (length >= 0x80) {
      const count = length & 0x7f;
      if (count === 0) throw malformed("indefinite length");
      if (count > 4) throw malformed("length above 4 octets");
      length = 0;
      for (let i = 0; i < count; i++) length = length * 256 + this.#byte(offset++);
      if (length < 0x80 || length < 256 ** (count - 1)) throw malformed("length is not minimal");
    }
    if (length > this.#end - offset) throw malformed("value is cut short");
    this.#contentStart = offset;
    this.#offset = offset + length;
    return this.#offset;
  }
}
