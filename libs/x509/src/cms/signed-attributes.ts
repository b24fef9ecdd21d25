import { malformed } from "../der/malformed.ts";
import { DerReader } from "../der/reader.ts";
import { requireSetOrder } from "../name.ts";
import { OID } from "../oids.ts";
import { readAttributes } from "./attributes.ts";

const MAX_SIGNED_ATTRIBUTES_OCTETS = 64 * 1024;

export interface SignedAttributes {
  /** What was signed, e.g. id-ct-TSTInfo or id-data, dotted. */
  readonly contentType: string;
  readonly messageDigest: Uint8Array;
  /** All attribute types, in encoded order. */
  readonly attributeOids: readonly string[];
}

/**
 * SignedAttributes in the form that is signed: an explicit SET OF Attribute (RFC 5652 section 5.4), sorted, no type twice, with
 * contentType and messageDigest of one value each (section 11). Throws DER_MALFORMED.
 */
export function parseSignedAttributes(der: Uint8Array): SignedAttributes {
  const reader = DerReader.over(der, MAX_SIGNED_ATTRIBUTES_OCTETS);
  const elements = readAttributes(reader);
  reader.end();
  requireSetOrder(elements.map((element) => element.der));
  for (const { values } of elements) requireSetOrder(values);
  const attributes = new Map(elements.map(({ oid, values }) => [oid, values]));
  if (attributes.size !== elements.length) throw malformed("attribute comes twice");
  return {
    contentType: singleValue(attributes.get(OID.contentType)).oid(),
    messageDigest: singleValue(attributes.get(OID.messageDigest)).octetString(),
    attributeOids: [...attributes.keys()],
  };
}

function singleValue(values: readonly Uint8Array[] | undefined): DerReader {
  const [value, second] = values ?? [];
  if (value === undefined || second !== undefined) throw malformed("contentType and messageDigest have one value each");
  return DerReader.over(value);
}
