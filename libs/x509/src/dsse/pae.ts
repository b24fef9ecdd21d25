import { PkiError } from "@vcc-pki/errors";

export interface PreAuthenticationEncoding {
  /** A media type or URI, e.g. "application/vnd.in-toto+json". */
  readonly payloadType: string;
  readonly payload: Uint8Array;
}

const MAX_TYPE_OCTETS = 256;
const SPACE = 0x20;

/** What is signed in a DSSE envelope: see `parsePae`, which reads nothing else. Throws REQUEST_MALFORMED for a type that is none. */
export function buildPae({ payloadType, payload }: PreAuthenticationEncoding): Buffer {
  if (!isPayloadType(payloadType)) throw malformed("its payload type is not visible ASCII, or too long");
  return Buffer.concat([Buffer.from(`DSSEv1 ${payloadType.length} ${payloadType} ${payload.length} `), payload]);
}

/** PAE(type, body) = "DSSEv1" SP LEN(type) SP type SP LEN(body) SP body, LEN in octets as ASCII decimal without leading zeros
 *  (DSSE protocol v1.0). There is one way to read it, which is the point of it. Throws REQUEST_MALFORMED. */
export function parsePae(pae: Uint8Array): PreAuthenticationEncoding {
  const bytes = Buffer.from(pae.buffer, pae.byteOffset, pae.length);
  let offset = 0;
  const field = (end: number): Buffer => {
    if (end > bytes.length) throw malformed("it is cut short");
    const slice = bytes.subarray(offset, end);
    offset = end;
    return slice;
  };
  const space = () => {
    if (field(offset + 1)[0] !== SPACE) throw malformed("a space is missing");
  };
  const length = (): number => {
    const end = bytes.indexOf(SPACE, offset);
    const digits = end === -1 || end - offset > 10 ? "" : field(end).toString("latin1");
    if (!/^(0|[1-9][0-9]*)$/.test(digits)) throw malformed("a length is not a decimal number");
    space();
    return Number(digits);
  };

  if (field(Math.min(6, bytes.length)).toString("latin1") !== "DSSEv1")
    throw malformed("it does not begin with DSSEv1");
  space();
  const typeLength = length();
  const payloadType = field(offset + typeLength).toString("latin1");
  if (!isPayloadType(payloadType)) throw malformed("its payload type is not visible ASCII, or too long");
  space();
  const payloadLength = length();
  const payload = field(offset + payloadLength);
  if (offset !== bytes.length) throw malformed("octets follow its payload");
  return { payloadType, payload };
}

const isPayloadType = (text: string): boolean => text.length <= MAX_TYPE_OCTETS && /^[\x21-\x7e]+$/.test(text);

const malformed = (why: string): PkiError =>
  new PkiError("REQUEST_MALFORMED", `not a DSSE pre-authentication encoding: ${why}`);
