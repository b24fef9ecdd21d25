import { domainToASCII, domainToUnicode } from "node:url";

export interface DnsNameOptions {
  /** Whether "*" may be the whole left-most label, with at least two labels behind it. */
  readonly wildcard?: boolean;
}

const LABEL = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/i;

/**
 * True for a host name in the preferred syntax of RFC 1034 section 3.5 as changed by RFC 1123 section 2.1: letters, digits and
 * hyphens, at most 63 octets to a label and 253 in all, no trailing dot. False for anything a resolver would take for an IP
 * address, and for A-labels that are not valid IDNA or that would be displayed as something they are not.
 */
export function isValidDnsName(text: string, { wildcard = false }: DnsNameOptions = {}): boolean {
  if (text.length > 253) return false;
  const labels = text.split(".");
  if (wildcard && labels[0] === "*") return labels.length >= 3 && isValidDnsName(text.slice(2));
  const last = labels.at(-1) ?? "";
  if (/^(\d+|0x[0-9a-f]*)$/i.test(last)) return false; // 192.0.2.1, 0x7f.1
  return labels.every((label) => LABEL.test(label) && isHonestLabel(label.toLowerCase()));
}

/** Hyphens in places 3 and 4 are reserved for A-labels (RFC 5890 section 2.3.1), and those must say one thing only. */
function isHonestLabel(label: string): boolean {
  if (label.slice(2, 4) !== "--") return true;
  if (!label.startsWith("xn--")) return false;
  const unicode = domainToUnicode(label);
  return unicode !== "" && unicode !== label && domainToASCII(unicode) === label && !isHomograph(unicode);
}

const SCRIPTS = [
  /\p{Script=Latin}/u,
  /\p{Script=Cyrillic}/u,
  /\p{Script=Greek}/u,
  /\p{Script=Armenian}/u,
  /\p{Script=Cherokee}/u,
];

/** Letters of other scripts that look like a Latin one (Unicode TR 39); a label made of these alone imitates a Latin label. */
const LATIN_LOOKALIKES = /^[аԁеһіјӏорԛѕԝхуъьҽпгѵѡкмтвнαινορυωօոսցհ0-9-]+$/u;

function isHomograph(unicode: string): boolean {
  const scripts = SCRIPTS.filter((script) => script.test(unicode)).length;
  return scripts > 1 || LATIN_LOOKALIKES.test(unicode);
}
