/** Where a question came to, and the question itself when it came in the path. */
export interface Address {
  /** undefined: whichever authority the question is about. */
  readonly authorityId: string | undefined;
  /** What follows in the path; "" when nothing does. */
  readonly rest: string;
}

const AUTHORITY = /^[a-z][a-z0-9-]*$/;

/** Splits what follows "/ocsp" in the path of a URL: "/vcc-services-ca/MFEw…", "/MFEw…", "/vcc-services-ca" or "". Base64 of an
 *  OCSPRequest begins with "M", for its SEQUENCE does, and no authority's id has capitals. */
export function parseAddress(path: string): Address {
  // Whoever joins "…/ocsp/" with "/M…" makes two slashes of one.
  const start = path.search(/[^/]/);
  if (start === -1) return { authorityId: undefined, rest: "" };
  const end = path.indexOf("/", start);
  const first = path.slice(start, end === -1 ? path.length : end);
  if (AUTHORITY.test(first)) return { authorityId: first, rest: end === -1 ? "" : path.slice(end).replace(/^\/+/, "") };
  return { authorityId: undefined, rest: path.slice(start) };
}

/** The octets of a question in a path: base64 (RFC 9919 section 5), whose "+", "/" and "=" may be escaped, once or twice, and whose "+"
 *  may have become a space on the way. undefined: not base64. */
export function decodeQuestion(escaped: string): Buffer | undefined {
  const text = unescapeTwice(escaped)?.replaceAll(" ", "+").replace(/^\/+/, "");
  if (text === undefined || !/^[A-Za-z0-9+/]+={0,2}$/.test(text)) return undefined;
  return Buffer.from(text, "base64");
}

function unescapeTwice(text: string): string | undefined {
  let plain = text;
  try {
    for (let i = 0; i < 2 && plain.includes("%"); i++) plain = decodeURIComponent(plain);
  } catch {
    return undefined;
  }
  return plain;
}
