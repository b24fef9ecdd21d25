import { PkiError } from "@vcc-pki/errors";
import { ATTRIBUTE_TYPES, type AttributeTypeName } from "./attribute-types.ts";
import { malformed } from "./der/malformed.ts";
import { DerReader } from "./der/reader.ts";
import { decodeString, isPrintable } from "./der/strings.ts";
import { TAG } from "./der/tags.ts";
import { encode } from "./der/writer.ts";

/** AttributeTypeAndValue (RFC 5280 section 4.1.2.4). */
export interface NameAttribute {
  readonly oid: string;
  /** Text of the value; undefined when it is not a character string. */
  readonly value: string | undefined;
  /** The value with its tag, as found. */
  readonly valueDer: Uint8Array;
}

/** A distinguished name. `der` is the name: comparing and copying use its octets, so string types are never changed. */
export interface Name {
  readonly der: Uint8Array;
  /** RelativeDistinguishedNames in encoded order, most significant first by custom (C, O, CN). */
  readonly rdns: readonly (readonly NameAttribute[])[];
}

/** Name ::= SEQUENCE OF SET OF AttributeTypeAndValue (RFC 5280 section 4.1.2.4). Throws DER_MALFORMED. */
export function parseName(der: Uint8Array): Name {
  const reader = DerReader.over(der);
  const name = readName(reader);
  reader.end();
  return name;
}

export function readName(reader: DerReader): Name {
  const der = reader.element(TAG.SEQUENCE);
  const rdns = DerReader.over(der).listOf(TAG.SEQUENCE, readRdn, 0);
  return { der, rdns };
}

function readRdn(reader: DerReader): NameAttribute[] {
  const elements = reader.listOf(TAG.SET, (set) => set.element(TAG.SEQUENCE));
  requireSetOrder(elements);
  return elements.map((element) => DerReader.whole(element, TAG.SEQUENCE, readAttribute));
}

function readAttribute(attribute: DerReader): NameAttribute {
  const oid = attribute.oid();
  const tag = attribute.peekTag();
  const valueDer = attribute.element();
  const value = decodeString(tag, DerReader.over(valueDer).content(tag));
  if (value === "") throw malformed("empty string in a name"); // DirectoryString is SIZE (1..MAX)
  return { oid, value, valueDer };
}

/** The elements of a SET OF stand in ascending order of their encodings (X.690 section 11.6). Throws DER_MALFORMED. */
export function requireSetOrder(elements: readonly Uint8Array[]): void {
  for (let i = 1; i < elements.length; i++) {
    if (Buffer.compare(elements[i - 1] as Uint8Array, elements[i] as Uint8Array) > 0)
      throw malformed("SET OF is not sorted");
  }
}

/**
 * A name with one attribute to an RDN, encoded in the order given: `buildName([["C", "DE"], ["O", "VCC"], ["CN", "argus"]])`.
 * UTF8String throughout, but PrintableString for C, serialNumber and dnQualifier, and IA5String for DC and emailAddress.
 * Throws NAME_MALFORMED for an empty or over-long value, a control character, or one the string type cannot hold.
 */
export function buildName(attributes: readonly (readonly [AttributeTypeName, string])[]): Name {
  const der = encode((writer) => {
    for (const [type, value] of attributes.toReversed()) {
      requireAttributeValue(type, value);
      const { oid, tag } = ATTRIBUTE_TYPES[type];
      const end = writer.mark();
      writer.utf8(tag, value);
      writer.oid(oid);
      writer.wrap(TAG.SEQUENCE, end);
      writer.wrap(TAG.SET, end);
    }
    writer.wrap(TAG.SEQUENCE, 0);
  }, 256);
  return parseName(der);
}

function requireAttributeValue(type: AttributeTypeName, value: string): void {
  const { tag, maxCharacters } = ATTRIBUTE_TYPES[type];
  const refuse = (why: string) => new PkiError("NAME_MALFORMED", `${type} ${why}`);
  if (value.length === 0) throw refuse("is empty");
  if ([...value].length > maxCharacters) throw refuse(`is longer than ${maxCharacters} characters`);
  if (!value.isWellFormed() || /\p{Cc}/u.test(value)) throw refuse("contains a control character");
  if (tag === TAG.PRINTABLE_STRING && !isPrintable(value)) throw refuse("is not a PrintableString");
  if (tag === TAG.IA5_STRING && /[^\x20-\x7e]/.test(value)) throw refuse("is not ASCII");
  if (type === "C" && !/^[A-Z]{2}$/.test(value)) throw refuse("is not a two-letter country code");
}
