import { PkiError } from "@vcc-pki/errors";

/** Where in the index of names to look. */
export interface TermRange {
  /** Terms from here on. */
  readonly from: string;
  /** Up to but not including this one. */
  readonly to: string;
  /** True if the range is one term alone. */
  readonly exact: boolean;
  matches(term: string): boolean;
}

/** The terms under which a certificate's names are found: each name as it stands, and each DNS name once more with its labels
 *  reversed behind "<", so that names with one suffix stand together. */
export function searchTerms(names: {
  readonly dns: readonly string[];
  readonly ip: readonly string[];
  readonly uri: readonly string[];
  readonly email: readonly string[];
}): string[] {
  return [...names.dns, ...names.dns.map(reversed), ...names.ip, ...names.uri, ...names.email];
}

const reversed = (name: string): string => `<${name.split(".").reverse().join(".")}`;

/** "argus.vcc.internal" is that name, "argus*" every name that begins so, "*.vcc.internal" every DNS name below it. Throws
 *  REQUEST_MALFORMED for anything else with a "*". */
export function parseNameSearch(search: string): TermRange {
  if (search.length > 400) throw new PkiError("REQUEST_MALFORMED", "the name to search for is too long");
  if (search.startsWith("*.") && !search.slice(2).includes("*")) return startingWith(`${reversed(search.slice(2))}.`);
  if (search.endsWith("*") && !search.slice(0, -1).includes("*") && search.length > 1)
    return startingWith(search.slice(0, -1));
  if (search.includes("*")) throw new PkiError("REQUEST_MALFORMED", 'search by "name", "prefix*" or "*.suffix"');
  return { from: search, to: `${search}\0`, exact: true, matches: (term) => term === search };
}

function startingWith(prefix: string): TermRange {
  const last = prefix.codePointAt(prefix.length - 1) ?? 0;
  const to = prefix.slice(0, -1) + String.fromCodePoint(last + 1);
  return { from: prefix, to, exact: false, matches: (term) => term.startsWith(prefix) };
}
