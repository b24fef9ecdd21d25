/** Identifier octets of the universal types we meet (X.690 section 8.1.2). */
export const TAG = {
  BOOLEAN: 0x01,
  INTEGER: 0x02,
  BIT_STRING: 0x03,
  OCTET_STRING: 0x04,
  NULL: 0x05,
  OID: 0x06,
  ENUMERATED: 0x0a,
  UTF8_STRING: 0x0c,
  NUMERIC_STRING: 0x12,
  PRINTABLE_STRING: 0x13,
  TELETEX_STRING: 0x14,
  IA5_STRING: 0x16,
  UTC_TIME: 0x17,
  GENERALIZED_TIME: 0x18,
  UNIVERSAL_STRING: 0x1c,
  BMP_STRING: 0x1e,
  SEQUENCE: 0x30,
  SET: 0x31,
} as const;

/** Bit of the identifier octet that says "constructed". */
export const CONSTRUCTED = 0x20;

/** Context-specific tag [n] around other values: EXPLICIT, or IMPLICIT over a SEQUENCE, SET or CHOICE. */
export const constructedContext = (number: number): number => 0xa0 | number;

/** Context-specific tag [n] in place of a primitive type's own: IMPLICIT. */
export const primitiveContext = (number: number): number => 0x80 | number;
