import { malformed } from "../der/malformed.ts";
import { DerReader } from "../der/reader.ts";
import { TAG } from "../der/tags.ts";
import { DerWriter } from "../der/writer.ts";

/** Extension ::= SEQUENCE { extnID, critical BOOLEAN DEFAULT FALSE, extnValue OCTET STRING } (RFC 5280 section 4.1.2.9) */
export interface Extension {
  readonly oid: string;
  readonly critical: boolean;
  /** What the OCTET STRING holds. */
  readonly valueDer: Uint8Array;
}

/** Extensions ::= SEQUENCE SIZE (1..MAX) OF Extension, under its own or an IMPLICIT tag. No extension comes twice. Throws DER_MALFORMED. */
export function readExtensions(reader: DerReader, tag: number = TAG.SEQUENCE): Extension[] {
  const extensions = reader.listOf(tag, (list) => list.within(TAG.SEQUENCE, readExtension));
  if (extensions.length > 1) requireDistinct(extensions);
  return extensions;
}

function requireDistinct(extensions: readonly Extension[]): void {
  const seen = new Set<string>();
  for (const { oid } of extensions) {
    if (seen.has(oid)) throw malformed(`extension ${oid} comes twice`);
    seen.add(oid);
  }
}

function readExtension(reader: DerReader): Extension {
  return { oid: reader.oid(), critical: reader.booleanDefaultFalse(), valueDer: reader.octetString() };
}

/** DER of an Extension around the value that `writeValue` writes. */
export function buildExtension(oid: string, critical: boolean, writeValue: (writer: DerWriter) => void): Uint8Array {
  const writer = new DerWriter(128);
  writeValue(writer);
  writer.wrap(TAG.OCTET_STRING, 0);
  if (critical) writer.boolean(true);
  writer.oid(oid);
  writer.wrap(TAG.SEQUENCE, 0);
  return writer.finish();
}

/** Reads an extension's value as exactly one value with this tag. Throws DER_MALFORMED. */
export const readSequence = <T>(valueDer: Uint8Array, read: (children: DerReader) => T): T =>
  DerReader.whole(valueDer, TAG.SEQUENCE, read);
