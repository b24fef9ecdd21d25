import { toHex } from "../der/bytes.ts";
import type { NameConstraints, NameSubtrees } from "../extensions/name-constraints.ts";
import type { Name } from "../name.ts";
import { attributeValues } from "../name-text.ts";
import { OID } from "../oids.ts";
import type { GeneralNames } from "./general-names.ts";
import { parseIpAddress, parseIpRange } from "./ip.ts";

/** Whether a name lies in a subtree. */
type Within<T> = (name: T, base: T) => boolean;

/**
 * Applies a CA's nameConstraints to the names of a certificate below it (RFC 5280 section 4.2.1.10) and says which name breaks
 * them, or undefined. A name form that is constrained in a way this library cannot read breaks them too. The subject counts as a
 * directory name unless it is empty, and its emailAddress attributes as mailboxes.
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
  return (
    violation("dns", subjectAltNames.dns, isDnsWithin, mayBeDnsWithin) ??
    violation("ip", subjectAltNames.ip, isIpWithin) ??
    violation("uri", subjectAltNames.uri, isUriWithin, mayBeUriWithin) ??
    violation("email", emails, isEmailWithin) ??
    violation("directory", [...subjects, ...subjectAltNames.directory], isDirectoryWithin)
  );

  function violation<K extends Exclude<keyof NameSubtrees, "otherCount">>(
    form: K,
    names: readonly NameSubtrees[K][number][],
    isWithin: Within<NameSubtrees[K][number]>,
    mayBeWithin = isWithin,
  ): string | undefined {
    const bad = names.find(
      (name) =>
        excluded[form].some((base) => mayBeWithin(name, base)) ||
        (permitted[form].length > 0 && !permitted[form].some((base) => isWithin(name, base))),
    );
    if (bad === undefined) return undefined;
    return `${form} name ${typeof bad === "string" ? bad : "of the subject"}`;
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

/** A URI without a host cannot be shown to lie outside. */
const mayBeUriWithin: Within<string> = (uri, base) => hostOf(uri) === "" || isUriWithin(uri, base);

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

/** Compares RDNs by their octets, so a permitted name must be encoded as the CA wrote it. */
function isDirectoryWithin(name: Name, base: Name): boolean {
  return base.rdns.every((rdn, i) => {
    const own = name.rdns[i];
    return (
      own?.length === rdn.length &&
      rdn.every((attribute, j) => attribute.oid === own[j]?.oid && sameValue(attribute.valueDer, own[j].valueDer))
    );
  });
}

const sameValue = (a: Uint8Array, b: Uint8Array): boolean => toHex(a) === toHex(b);
