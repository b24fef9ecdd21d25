import { equalBytes } from "../der/bytes.ts";
import type { NameConstraints, NameSubtrees } from "../extensions/name-constraints.ts";
import type { Name, NameAttribute } from "../name.ts";
import { attributeValues } from "../name-text.ts";
import { OID } from "../oids.ts";
import { isValidDnsName } from "./dns.ts";
import { isMailbox } from "./email.ts";
import type { GeneralNames } from "./general-names.ts";
import { parseIpAddress, parseIpRange } from "./ip.ts";

/** Whether a name lies in a subtree. */
type Within<T> = (name: T, base: T) => boolean;

/** Five hundred names under five hundred constraints; more is there to waste our time. */
const MAX_COMPARISONS = 250_000;

/**
 * Applies a CA's nameConstraints to the names of a certificate below it (RFC 5280 section 4.2.1.10) and says which name breaks
 * them, or undefined. A name form that is constrained in a way this library cannot read breaks them too, and so do more names and
 * constraints than 250,000 comparisons are enough for. The subject counts as a directory name unless it is empty, and its emailAddress
 * attributes as mailboxes.
 */
export function findConstraintViolation(
  constraints: NameConstraints,
  subject: Name,
  subjectAltNames: GeneralNames,
): string | undefined {
  const { permitted, excluded } = constraints;
  const subjects = subject.rdns.length > 0 ? [subject] : [];
  const emails = [...subjectAltNames.email, ...attributeValues(subject, OID.emailAddress)];
  if (subjectAltNames.otherCount > 0 && permitted.otherCount + excluded.otherCount > 0) return "a name of another form";
  if (comparisonCount(constraints, subject, subjectAltNames) > MAX_COMPARISONS) return "more names than we compare";
  return (
    violation("dns", subjectAltNames.dns, isDnsWithin, mayBeDnsWithin) ??
    violation("ip", subjectAltNames.ip, isIpWithin) ??
    violation("uri", subjectAltNames.uri, isUriWithin, mayBeUriWithin) ??
    violation("email", emails, isEmailWithin) ??
    violation("directory", [...subjects, ...subjectAltNames.directory], isDirectoryWithin, mayBeDirectoryWithin)
  );

  function violation<K extends Exclude<keyof NameSubtrees, "otherCount">>(
    form: K,
    names: readonly NameSubtrees[K][number][],
    isWithin: Within<NameSubtrees[K][number]>,
    mayBeWithin = isWithin,
  ): string | undefined {
    const isReadable = READABLE[form];
    const isUnreadable = ![...permitted[form], ...excluded[form]].every((base) => isReadable(base));
    const bad = names.find(
      (name) =>
        isUnreadable ||
        excluded[form].some((base) => mayBeWithin(name, base)) ||
        (permitted[form].length > 0 && !permitted[form].some((base) => isWithin(name, base))),
    );
    if (bad === undefined) return undefined;
    return `${form} name ${typeof bad === "string" ? bad : "of the subject"}`;
  }
}

/** At most how many comparisons that takes. Whoever applies constraints again and again keeps count. */
export function comparisonCount(
  { permitted, excluded }: NameConstraints,
  subject: Name,
  { dns, ip, uri, email, directory }: GeneralNames,
): number {
  const names = [subject.rdns.flat(), dns, ip, uri, email, directory];
  const bases = [permitted, excluded].flatMap((subtrees) => FORMS.map((form) => subtrees[form]));
  return countAll(names) * countAll(bases);
}

const FORMS = ["dns", "ip", "uri", "email", "directory"] as const;

const countAll = (lists: readonly (readonly unknown[])[]): number => lists.reduce((sum, { length }) => sum + length, 0);

const isHostOrSuffix = (base: string): boolean => isValidDnsName(base.replace(/^\./, ""));

/** Whether a base is written as RFC 5280 section 4.2.1.10 has it. What "*.vcc.de" or ".vcc.de" as a DNS name was to say, nobody knows. */
const READABLE: {
  readonly [K in Exclude<keyof NameSubtrees, "otherCount">]: (base: NameSubtrees[K][number]) => boolean;
} = {
  dns: (base) => base === "" || isValidDnsName(base),
  ip: isIpRange,
  uri: isHostOrSuffix,
  email: (base) => (base.includes("@") ? isMailbox(base) : isHostOrSuffix(base)),
  directory: () => true,
};

function isIpRange(text: string): boolean {
  try {
    return parseIpRange(text).length > 0;
  } catch {
    return false; // bits beyond the prefix
  }
}

function isDnsWithin(name: string, base: string): boolean {
  const lower = name.toLowerCase();
  const suffix = base.toLowerCase();
  return suffix === "" || lower === suffix || lower.endsWith(`.${suffix}`);
}

/** A wildcard also stands for the one excluded name that it covers. */
function mayBeDnsWithin(name: string, base: string): boolean {
  const [first, ...parent] = name.split(".");
  const covers = first === "*" && base.split(".").slice(1).join(".").toLowerCase() === parent.join(".").toLowerCase();
  return covers || isDnsWithin(name, base);
}

function isIpWithin(name: string, base: string): boolean {
  const address = parseIpAddress(name);
  const range = parseIpRange(base);
  const [network, mask] = [range.subarray(0, range.length / 2), range.subarray(range.length / 2)];
  return address.length === network.length && address.every((octet, i) => (octet & (mask[i] ?? 0)) === network[i]);
}

const isUriWithin: Within<string> = (uri, base) => isHostWithin(hostOf(uri), base);

/** A URI without a host, or with an IP address for one, cannot be shown to lie outside. */
const mayBeUriWithin: Within<string> = (uri, base) => !isValidDnsName(hostOf(uri)) || isUriWithin(uri, base);

const hostOf = (uri: string): string => (URL.canParse(uri) ? new URL(uri).hostname : "");

/** The host itself, or with a leading dot those below it. */
function isHostWithin(host: string, base: string): boolean {
  const [lower, constraint] = [host.toLowerCase(), base.toLowerCase()];
  return constraint.startsWith(".") ? lower.endsWith(constraint) : lower === constraint;
}

function isEmailWithin(email: string, base: string): boolean {
  const at = email.lastIndexOf("@");
  const host = email.slice(at + 1);
  const [localPart, baseHost] = base.includes("@") ? base.split("@") : [undefined, base];
  return isHostWithin(host, baseHost ?? "") && (localPart === undefined || email.slice(0, at) === localPart);
}

/** Whether the name begins with the RDNs of the base, by this comparison of their attributes. */
function startsWith(name: Name, base: Name, isSame: (a: NameAttribute, b: NameAttribute) => boolean): boolean {
  return base.rdns.every((rdn, i) => {
    const own = name.rdns[i];
    return own?.length === rdn.length && rdn.every((attribute) => own.some((other) => isSame(attribute, other)));
  });
}

/** Compares by octets, so a permitted name must be encoded as the CA wrote it. */
const isDirectoryWithin: Within<Name> = (name, base) =>
  startsWith(name, base, (a, b) => a.oid === b.oid && equalBytes(a.valueDer, b.valueDer));

/** Excluded names are told by their text, whatever their string type, case and spaces (RFC 5280 section 7.1). */
const mayBeDirectoryWithin: Within<Name> = (name, base) =>
  startsWith(name, base, (a, b) =>
    a.value === undefined || b.value === undefined
      ? a.oid === b.oid && equalBytes(a.valueDer, b.valueDer)
      : a.oid === b.oid && foldedText(a.value) === foldedText(b.value),
  );

const foldedText = (value: string): string => value.normalize("NFKC").trim().replace(/\s+/g, " ").toLowerCase();
