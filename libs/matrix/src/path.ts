import { PkiError } from "@vcc-pki/errors";

const MAX_PATH = 4_096;
const MAX_SEGMENTS = 64;
/** Octets that servers read in different ways: separators of another system, parameters of a segment, controls. */
const AMBIGUOUS = /[\\;\p{Cc}]|%[0-9a-f]{2}/iu;

/** The segments of the path of a request target (RFC 3986 section 3.3), without query and fragment, percent-decoded once. What servers
 *  might read in two ways is refused, since a rule for the one reading would be none for the other: "." and "..", empty segments but a
 *  last one, which is left out, and an encoded "/", "\", ";", "%" or control character. Throws REQUEST_MALFORMED. */
export function parsePath(target: string): readonly string[] {
  const end = target.search(/[?#]/);
  const path = end === -1 ? target : target.slice(0, end);
  if (!path.startsWith("/") || path.length > MAX_PATH) throw malformed("a path begins with / and is not too long");
  const raw = path.slice(1).split("/");
  if (raw.at(-1) === "") raw.pop();
  if (raw.length > MAX_SEGMENTS) throw malformed("a path has too many segments");
  return PLAIN.test(path) ? raw : raw.map(decodeSegment);
}

/** Of segments that mean themselves and nothing else: unreserved characters, and neither "." nor "..". Most are; it is looked at once. */
const PLAIN = /^(?:\/(?!\.{1,2}(?:\/|$))[A-Za-z0-9._~-]+)*\/?$/;

function decodeSegment(raw: string): string {
  let segment: string;
  try {
    segment = decodeURIComponent(raw);
  } catch (cause) {
    throw new PkiError("REQUEST_MALFORMED", "a path is not percent-encoded UTF-8", { cause });
  }
  if (segment === "" || segment === "." || segment === "..")
    throw malformed("a path has a segment that says where to go");
  if (segment.includes("/") || AMBIGUOUS.test(segment)) throw malformed("a path can be read in two ways");
  return segment;
}

/** "/api/v1/*" or "/api/**": "*" is one segment, "**" at the end is any number of them. Read once, matched often. */
export interface PathPattern {
  readonly text: string;
  readonly segments: readonly string[];
  /** It ends with "**". */
  readonly isOpen: boolean;
}

const LITERAL = /^[A-Za-z0-9._~!$&'()+,:@=-]+$/;

/** Throws CONFIG_INVALID. */
export function parsePathPattern(text: string): PathPattern {
  const segments = text.startsWith("/") ? text.slice(1).split("/") : [""];
  const isOpen = segments.at(-1) === "**";
  if (isOpen) segments.pop();
  if (text === "/") segments.pop();
  const isPlain = (segment: string) => segment === "*" || (LITERAL.test(segment) && !/^\.{1,2}$/.test(segment));
  if (!segments.every(isPlain))
    throw new PkiError("CONFIG_INVALID", `"${text}" is no path pattern such as /api/v1/jobs/* or /api/**`);
  return { text, segments, isOpen };
}

/** Whether the pattern admits the path; `ignoringCase` for rules that close, since a server may ignore case. */
export function matchesPath(pattern: PathPattern, path: readonly string[], ignoringCase = false): boolean {
  const { segments, isOpen } = pattern;
  if (isOpen ? path.length < segments.length : path.length !== segments.length) return false;
  return segments.every((wanted, i) => {
    const segment = path[i] ?? "";
    return wanted === "*" || wanted === segment || (ignoringCase && wanted.toLowerCase() === segment.toLowerCase());
  });
}

/** Whether some path is admitted by both. */
export function overlap(left: PathPattern, right: PathPattern): boolean {
  const shared = Math.min(left.segments.length, right.segments.length);
  for (let i = 0; i < shared; i += 1) {
    const [a, b] = [left.segments[i], right.segments[i]];
    if (a !== "*" && b !== "*" && a !== b) return false;
  }
  if (left.segments.length === right.segments.length) return true;
  return left.segments.length < right.segments.length ? left.isOpen : right.isOpen;
}

/** Whether every path that `inner` admits is admitted by `outer`. */
export function covers(outer: PathPattern, inner: PathPattern): boolean {
  if (inner.isOpen && !outer.isOpen) return false;
  const depth = outer.segments.length;
  if (outer.isOpen ? inner.segments.length < depth : inner.segments.length !== depth) return false;
  return outer.segments.every((segment, i) => segment === "*" || segment === inner.segments[i]);
}

const malformed = (message: string): PkiError => new PkiError("REQUEST_MALFORMED", message);
