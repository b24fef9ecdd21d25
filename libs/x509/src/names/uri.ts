/** True for an absolute URI of RFC 3986 in ASCII: a scheme, then something, percent signs always followed by two hex digits, no
 *  user information. An "http:" or "https:" URI, and any with "//", needs a host (RFC 5280 section 4.2.1.6). */
export function isAbsoluteUri(text: string): boolean {
  const [, scheme, rest = ""] = /^([A-Za-z][A-Za-z0-9+.-]*):(.+)$/s.exec(text) ?? [];
  if (scheme === undefined || !/^([A-Za-z0-9\-._~:/?#[\]@!$&'()*+,;=]|%[0-9A-Fa-f]{2})+$/.test(rest)) return false;
  if (!rest.startsWith("//")) return !/^https?$/i.test(scheme);
  const [authority = ""] = rest.slice(2).split(/[/?#]/, 1);
  return authority !== "" && !authority.includes("@") && !authority.startsWith(":") && URL.canParse(text);
}
