import { TAG } from "./der/tags.ts";
import { OID } from "./oids.ts";

interface AttributeTypeRow {
  readonly oid: string;
  /** String type we encode it with. */
  readonly tag: number;
  /** Upper bound on characters (RFC 5280 appendix A.1, "ub-…"). */
  readonly maxCharacters: number;
}

const utf8 = (oid: string, maxCharacters: number): AttributeTypeRow => ({ oid, tag: TAG.UTF8_STRING, maxCharacters });

/** Attribute types by the short names of RFC 4514 section 3 and of the LDAP registry. */
export const ATTRIBUTE_TYPES = {
  CN: utf8(OID.commonName, 64),
  SN: utf8(OID.surname, 32_768),
  givenName: utf8(OID.givenName, 32_768),
  serialNumber: { oid: OID.serialNumber, tag: TAG.PRINTABLE_STRING, maxCharacters: 64 },
  C: { oid: OID.countryName, tag: TAG.PRINTABLE_STRING, maxCharacters: 2 },
  L: utf8(OID.localityName, 128),
  ST: utf8(OID.stateOrProvinceName, 128),
  STREET: utf8(OID.streetAddress, 128),
  O: utf8(OID.organizationName, 64),
  OU: utf8(OID.organizationalUnitName, 64),
  title: utf8(OID.title, 64),
  dnQualifier: { oid: OID.dnQualifier, tag: TAG.PRINTABLE_STRING, maxCharacters: 64 },
  organizationIdentifier: utf8(OID.organizationIdentifier, 64),
  UID: utf8(OID.userId, 256),
  DC: { oid: OID.domainComponent, tag: TAG.IA5_STRING, maxCharacters: 63 },
  emailAddress: { oid: OID.emailAddress, tag: TAG.IA5_STRING, maxCharacters: 255 },
} as const satisfies Record<string, AttributeTypeRow>;

export type AttributeTypeName = keyof typeof ATTRIBUTE_TYPES;

/** Short names by object identifier. */
export const ATTRIBUTE_NAME_BY_OID: ReadonlyMap<string, AttributeTypeName> = new Map(
  Object.entries(ATTRIBUTE_TYPES).map(([name, row]) => [row.oid, name as AttributeTypeName]),
);

/** Upper bounds by object identifier. */
export const MAX_CHARACTERS_BY_OID: ReadonlyMap<string, number> = new Map(
  Object.values(ATTRIBUTE_TYPES).map((row) => [row.oid, row.maxCharacters]),
);
