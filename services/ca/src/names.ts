import { PkiError } from "@vcc-pki/errors";
import { isMailbox, isValidDnsName, parseIpAddress, parseIpRange } from "@vcc-pki/x509";
import type { ProfileConfig } from "./profile-config.ts";

/** The subject alternative names of a request, by kind. DNS names in lower case. */
export interface RequestedNames {
  readonly dns: readonly string[];
  readonly ip: readonly string[];
  readonly uri: readonly string[];
  readonly email: readonly string[];
  /** Names of kinds we never issue: otherName, directoryName, ... */
  readonly otherCount: number;
}

/** Whose names these are, and what that organisation may use. */
export interface NameScope {
  readonly trustDomain: string;
  readonly organisation: string;
  readonly allowedNames: readonly string[];
  readonly allowedNetworks: readonly string[];
  /** For a service of the suite: its own SPIFFE id, and the names its configuration gives it. */
  readonly suite?: { readonly uri: string; readonly dns: readonly string[]; readonly ip: readonly string[] };
}

type NameRules = Partial<ProfileConfig["names"]>;

const notAllowed = (message: string) => new PkiError("NAME_NOT_ALLOWED", message);
const malformed = (message: string) => new PkiError("NAME_MALFORMED", message);

/** How many names of each kind. First, because everything after it costs time per name. */
export function requireCounts(names: RequestedNames, rules: NameRules): void {
  if (names.otherCount > 0) throw notAllowed("only DNS names, IP addresses, URIs and e-mail addresses are issued");
  const limits = { dns: rules.dns?.maximum, ip: rules.ip?.maximum, email: rules.email?.maximum, uri: rules.uri && 1 };
  for (const kind of ["dns", "ip", "email", "uri"] as const) {
    const limit = limits[kind] ?? 0;
    if (names[kind].length > limit) throw notAllowed(`at most ${limit} names of the kind ${kind}`);
  }
  const total = names.dns.length + names.ip.length + names.email.length + names.uri.length;
  if (total === 0 && rules.certified !== false) throw notAllowed("a subjectAltName is needed");
  if (names.dns.length < (rules.dns?.minimum ?? 0)) throw notAllowed(`at least ${rules.dns?.minimum} DNS names`);
  if (rules.uri?.required && names.uri.length === 0) throw notAllowed("a SPIFFE id is needed");
  const all = [...names.dns, ...names.ip, ...names.email, ...names.uri];
  if (new Set(all).size !== all.length) throw malformed("a name comes twice");
}

/** Names are what they say they are: no IP address as DNS name, no NUL, no trailing dot, no look-alike. */
export function requireSyntax(names: RequestedNames, rules: NameRules): void {
  for (const name of names.dns) {
    if (!isValidDnsName(name, { wildcard: true })) throw malformed("not a DNS name");
    if (name.startsWith("*.") && !rules.dns?.wildcards) throw notAllowed("the profile admits no wildcard");
    if (/(^|\.)xn--/.test(name) && !rules.dns?.internationalised) throw notAllowed("the profile admits no xn-- label");
  }
  for (const email of names.email) if (!isMailbox(email)) throw malformed("not an e-mail address");
}

/** Every name belongs to the organisation and fits the profile. */
export function requireOwnership(names: RequestedNames, rules: NameRules, scope: NameScope): void {
  for (const name of names.dns) {
    const own = scope.suite ? scope.suite.dns.includes(name) : isAllowedName(name, scope.allowedNames);
    if (!own) throw notAllowed("a DNS name is not one of the organisation's");
  }
  for (const ip of names.ip) {
    const own = scope.suite ? scope.suite.ip.includes(ip) : isInNetworks(ip, scope.allowedNetworks);
    if (!own) throw notAllowed("an IP address is not in the organisation's networks");
  }
  for (const email of names.email) {
    if (!isAllowedMailbox(email, scope)) throw notAllowed("an e-mail address is not at the organisation's names");
  }
  for (const uri of names.uri) requireSpiffeId(uri, rules, scope);
  requirePatterns(names, rules, scope);
}

/** At a host that is the organisation's, or at a domain of which all hosts are. */
function isAllowedMailbox(email: string, { allowedNames }: NameScope): boolean {
  const host = email.slice(email.lastIndexOf("@") + 1).toLowerCase();
  return isAllowedName(host, allowedNames) || isAllowedName(`*.${host}`, allowedNames);
}

/** True if `name` is one of the names, or lies below a "*.suffix". The wildcard "*.a.b" lies where its base does. */
export function isAllowedName(name: string, allowedNames: readonly string[]): boolean {
  const wildcard = name.startsWith("*.");
  const base = wildcard ? name.slice(2) : name;
  return allowedNames.some((allowed) => {
    if (!allowed.startsWith("*.")) return !wildcard && allowed === name;
    return base.endsWith(allowed.slice(1)) || (wildcard && base === allowed.slice(2));
  });
}

/** True if the address lies in one of the networks, which are in CIDR notation. */
export function isInNetworks(ip: string, networks: readonly string[]): boolean {
  const address = parseIpAddress(ip);
  return networks.some((network) => {
    const range = parseIpRange(network);
    if (range.length !== address.length * 2) return false;
    return address.every((octet, i) => (octet & (range[address.length + i] ?? 0)) === range[i]);
  });
}

/** The last part of a workload's or administrator's SPIFFE id, as libs/rpc reads it. */
const SPIFFE_NAME = /^[a-z0-9][a-z0-9._-]{0,62}$/;

function requireSpiffeId(uri: string, rules: NameRules, scope: NameScope): void {
  const refuse = () => notAllowed(`the URI is not the SPIFFE id the profile admits (${rules.uri?.kind})`);
  if (rules.uri?.kind === "suite") {
    if (uri !== scope.suite?.uri) throw refuse();
    return;
  }
  const kind = rules.uri?.kind === "admin" ? "admin" : "service";
  if (spiffeName(uri, scope, kind) === undefined) throw refuse();
}

/** "argus" of "spiffe://vcc.internal/org/brandenburg/service/argus"; undefined for anything else. */
function spiffeName(
  uri: string,
  { trustDomain, organisation }: NameScope,
  kind: "service" | "admin",
): string | undefined {
  const prefix = `spiffe://${trustDomain}/org/${organisation}/${kind}/`;
  if (!uri.startsWith(prefix)) return undefined;
  const name = uri.slice(prefix.length);
  return SPIFFE_NAME.test(name) ? name : undefined;
}

const VARIABLE = "$" + "{service_name}";
const patternCache = new Map<string, RegExp>();

/** "${service_name}.vcc.internal" as an expression. The variable is one label; nothing else is special. */
export function compilePattern(pattern: string): RegExp {
  let expression = patternCache.get(pattern);
  if (expression === undefined) {
    const parts = pattern.split(VARIABLE).map((part) => {
      if (!/^[a-z0-9.-]*$/.test(part)) throw new PkiError("CONFIG_INVALID", `not a name pattern: "${pattern}"`);
      return part.replaceAll(".", "\\.");
    });
    if (parts.length > 2) throw new PkiError("CONFIG_INVALID", `"${pattern}" has the variable twice`);
    expression = new RegExp(`^${parts.join("(?<service>[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)")}$`);
    patternCache.set(pattern, expression);
  }
  return expression;
}

/** Each DNS name matches a pattern, and where a SPIFFE id says which service this is, the patterns speak of the same one. */
function requirePatterns(names: RequestedNames, rules: NameRules, scope: NameScope): void {
  const patterns = rules.dns?.patterns?.map(compilePattern);
  if (patterns === undefined) return;
  const [uri] = names.uri;
  const service = uri === undefined ? undefined : spiffeName(uri, scope, "service");
  for (const name of names.dns) {
    const matches = patterns.map((pattern) => pattern.exec(name)).filter((match) => match !== null);
    if (matches.length === 0) throw notAllowed("a DNS name does not match the profile's patterns");
    const agrees = matches.some(({ groups }) => service === undefined || (groups?.service ?? service) === service);
    if (!agrees) throw notAllowed("a DNS name and the SPIFFE id speak of different services");
  }
}

/** True if some name could be allowed by both lists: two organisations would share it. */
export function namesOverlap(left: readonly string[], right: readonly string[]): boolean {
  const under = (name: string, other: string) =>
    other.startsWith("*.") && (name.startsWith("*.") ? `.${name.slice(2)}` : name).endsWith(other.slice(1));
  return left.some((a) => right.some((b) => a === b || under(a, b) || under(b, a)));
}
