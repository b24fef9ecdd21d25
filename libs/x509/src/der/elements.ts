import { DerReader } from "./reader.ts";

/** DER values that stand one after the other: each says how long it is. Throws DER_MALFORMED. */
export function splitDer(joined: Uint8Array): Uint8Array[] {
  const reader = DerReader.over(joined, joined.length);
  const values: Uint8Array[] = [];
  while (!reader.atEnd) values.push(reader.element());
  return values;
}
