import { toLatin1 } from "./bytes.ts";
import { malformed } from "./malformed.ts";
import { TAG } from "./tags.ts";

const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const UTF16 = new TextDecoder("utf-16be", { fatal: true, ignoreBOM: true });

/** Characters of PrintableString (X.680 section 41.4). */
const PRINTABLE = /^[A-Za-z0-9 '()+,\-./:=?]*$/;

export const isPrintable = (text: string): boolean => PRINTABLE.test(text);

/** Decoders of the character string types. Each throws DER_MALFORMED on octets outside its repertoire. */
const DECODERS: Readonly<Record<number, (content: Uint8Array) => string>> = {
  [TAG.UTF8_STRING]: (content) => decodeText(UTF8, content),
  [TAG.PRINTABLE_STRING]: (content) => matching(PRINTABLE, content),
  [TAG.NUMERIC_STRING]: (content) => matching(/^[0-9 ]*$/, content),
  [TAG.IA5_STRING]: decodeIa5,
  // T.61 as everyone has always read it.
  [TAG.TELETEX_STRING]: toLatin1,
  [TAG.BMP_STRING]: (content) => decodeText(UTF16, content),
  [TAG.UNIVERSAL_STRING]: decodeUtf32,
};

/** Text of a character string, or undefined when `tag` is not one. Throws DER_MALFORMED. */
export const decodeString = (tag: number, content: Uint8Array): string | undefined => DECODERS[tag]?.(content);

/** Text of an IA5String: ASCII, control characters included. Throws DER_MALFORMED. */
export function decodeIa5(content: Uint8Array): string {
  for (const octet of content) if (octet >= 0x80) throw malformed("IA5String is not ASCII");
  return toLatin1(content);
}

function matching(repertoire: RegExp, content: Uint8Array): string {
  const text = toLatin1(content);
  if (!repertoire.test(text)) throw malformed("character outside the string type's repertoire");
  return text;
}

function decodeText(decoder: TextDecoder, content: Uint8Array): string {
  try {
    return decoder.decode(content);
  } catch {
    throw malformed(`string is not valid ${decoder.encoding}`);
  }
}

function decodeUtf32(content: Uint8Array): string {
  if (content.length % 4 !== 0) throw malformed("UniversalString is not a multiple of 4 octets");
  const view = new DataView(content.buffer, content.byteOffset, content.byteLength);
  let text = "";
  for (let i = 0; i < content.length; i += 4) {
    const codePoint = view.getUint32(i);
    if (codePoint > 0x10ffff || (codePoint >= 0xd800 && codePoint < 0xe000)) throw malformed("no such character");
    text += String.fromCodePoint(codePoint);
  }
  return text;
}
