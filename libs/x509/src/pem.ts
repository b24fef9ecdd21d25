import { PkiError } from "@vcc-pki/errors";

/** Textual encoding of RFC 7468: 64 columns, "\n", a line feed at the end. */
export function pemEncode(label: string, der: Uint8Array): string {
  const base64 = Buffer.from(der.buffer, der.byteOffset, der.byteLength).toString("base64");
  return `-----BEGIN ${label}-----\n${base64.replace(/.{1,64}/g, "$&\n")}-----END ${label}-----\n`;
}

const BLOCK = /-----BEGIN ([A-Z0-9 ]{1,64})-----\r?\n([A-Za-z0-9+/=\r\n \t]*)-----END \1-----/g;

/** The contents of all blocks in `text` in their order, of those with this label if one is given. Text around the blocks is
 *  passed over, as RFC 7468 section 2 says; an unfinished or badly encoded block, or none at all, is REQUEST_MALFORMED. */
export function pemDecode(text: string, label?: string): Uint8Array[] {
  const blocks = [...text.matchAll(BLOCK)];
  if (blocks.length !== text.split("-----BEGIN ").length - 1) throw pemMalformed("a PEM block is cut short or garbled");
  const wanted = blocks.filter(([, found]) => label === undefined || found === label);
  if (wanted.length === 0) throw pemMalformed(`no PEM block${label === undefined ? "" : ` "${label}"`}`);
  return wanted.map(([, , body = ""]) => decodeBase64(body.replace(/\s/g, "")));
}

function decodeBase64(base64: string): Uint8Array {
  const der = Buffer.from(base64, "base64");
  if (der.length === 0 || der.toString("base64") !== base64) throw pemMalformed("a PEM block is not base64");
  return new Uint8Array(der);
}

const pemMalformed = (message: string): PkiError => new PkiError("REQUEST_MALFORMED", message);
