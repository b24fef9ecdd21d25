import { malformed } from "../der/malformed.ts";
import { DerReader } from "../der/reader.ts";
import { TAG } from "../der/tags.ts";
import { type DerWriter, encode } from "../der/writer.ts";

const MAX_ATTRIBUTES = 64;

/** Attribute ::= SEQUENCE { attrType OBJECT IDENTIFIER, attrValues SET OF AttributeValue } (RFC 5652 section 5.3) */
export interface Attribute {
  readonly oid: string;
  /** At least one, each with its tag, in encoded order. */
  readonly values: readonly Uint8Array[];
  readonly der: Uint8Array;
}

/** SET SIZE (1..MAX) OF Attribute under its own or an IMPLICIT tag, at most 64, in encoded order: whether they are sorted, and whether a
 *  type comes twice, is for the caller to ask. Values are walked to their leaves. Throws DER_MALFORMED. */
export function readAttributes(reader: DerReader, tag: number = TAG.SET): Attribute[] {
  const attributes = reader.listOf(tag, readAttribute);
  if (attributes.length > MAX_ATTRIBUTES) throw malformed(`more than ${MAX_ATTRIBUTES} attributes`);
  return attributes;
}

function readAttribute(set: DerReader): Attribute {
  const der = set.element(TAG.SEQUENCE);
  return DerReader.whole(der, TAG.SEQUENCE, (attribute) => {
    const oid = attribute.oid();
    const values = attribute.listOf(TAG.SET, (list) => list.element());
    for (const value of values) DerReader.over(value).skipChecked();
    return { oid, values, der };
  });
}

/** DER of an Attribute with the one value that `writeValue` writes. */
export function buildAttribute(oid: string, writeValue: (writer: DerWriter) => void): Uint8Array {
  return encode((writer) => {
    writeValue(writer);
    writer.wrap(TAG.SET, 0);
    writer.oid(oid);
    writer.wrap(TAG.SEQUENCE, 0);
  }, 256);
}
