import { ATTRIBUTE_NAME_BY_OID } from "./attribute-types.ts";
import { toHex } from "./der/bytes.ts";
import type { Name, NameAttribute } from "./name.ts";

/** Text of a name as RFC 4514 writes it: last RDN first, "CN=argus,O=VCC,C=DE". For people; never for comparing. */
export function nameToText(name: Name): string {
  return name.rdns
    .toReversed()
    .map((rdn) => rdn.map(attributeToText).join("+"))
    .join(",");
}

/** A type without short name is written in dots with the value's encoding in hex (RFC 4514 sections 2.3 and 2.4). */
function attributeToText({ oid, value, valueDer }: NameAttribute): string {
  const type = ATTRIBUTE_NAME_BY_OID.get(oid);
  if (type === undefined || value === undefined) return `${type ?? oid}=#${toHex(valueDer)}`;
  return `${type}=${escapeValue(value)}`;
}

/** RFC 4514 section 2.4; other control characters are written as escaped octets too, so that a name cannot draw on a terminal. */
function escapeValue(value: string): string {
  return value
    .replace(/["+,;<>\\]/g, "\\$&")
    .replace(/^[ #]|(?<=.) $/g, "\\$&")
    .replace(/\p{Cc}/gu, (character) => [...Buffer.from(character)].map((octet) => `\\${hexPair(octet)}`).join(""));
}

const hexPair = (octet: number): string => octet.toString(16).padStart(2, "0");

/** The values of an attribute type (dotted) in a name, in encoded order. */
export function attributeValues(name: Name, oid: string): string[] {
  return name.rdns
    .flat()
    .flatMap((attribute) => (attribute.oid === oid && attribute.value !== undefined ? [attribute.value] : []));
}
