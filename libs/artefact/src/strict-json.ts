import { isUtf8 } from "node:buffer";
import { type ErrorCode, PkiError } from "@vcc-pki/errors";

interface StrictJson {
  readonly maxOctets: number;
  readonly maxDepth: number;
  /** What is thrown. */
  readonly code: ErrorCode;
  /** What it should be, for people: "the bundle". */
  readonly what: string;
}

/** Reads JSON (RFC 8259) that says one thing to everybody: a name that stands twice in an object is refused, however it is escaped, since the one reader
 *  takes the first and the other the last. Octets have to be UTF-8 without a byte order mark. Throws `code`; REQUEST_TOO_LARGE. */
export function parseStrictJson(octets: Uint8Array, { maxOctets, maxDepth, code, what }: StrictJson): unknown {
  if (octets.length > maxOctets) throw new PkiError("REQUEST_TOO_LARGE", `${what} has more than ${maxOctets} octets`);
  if (!isUtf8(octets)) throw new PkiError(code, `${what} is not UTF-8`);
  const text = Buffer.from(octets.buffer, octets.byteOffset, octets.length).toString("utf8");
  const fault = findStructureFault(text, maxDepth);
  if (fault !== undefined) throw new PkiError(code, `${what} ${fault}`);
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new PkiError(code, `${what} is not JSON`, { cause });
  }
}

/** Names that were seen in an object, or undefined for an array. */
type Open = Set<string> | undefined;

/** Looks at names and depth alone; whether it is JSON is seen when it is parsed. */
function findStructureFault(text: string, maxDepth: number): string | undefined {
  const open: Open[] = [];
  let isName = false;
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (character === "{" || character === "[") {
      open.push(character === "{" ? new Set() : undefined);
      if (open.length > maxDepth) return `is nested deeper than ${maxDepth}`;
      isName = character === "{";
    } else if (character === "}" || character === "]") {
      open.pop();
    } else if (character === ",") {
      isName = open.at(-1) !== undefined;
    } else if (character === '"') {
      const end = endOfString(text, at);
      const names = open.at(-1);
      if (isName && names !== undefined) {
        const name = unescapeName(text.slice(at, end));
        if (names.has(name)) return `has the name ${JSON.stringify(name.slice(0, 64))} twice`;
        names.add(name);
      }
      isName = false;
      at = end - 1;
    }
  }
  return undefined;
}

/** Behind the quotation mark that ends the string that begins at `start`. */
function endOfString(text: string, start: number): number {
  let end = start;
  do {
    end = text.indexOf('"', end + 1);
    if (end === -1) return text.length;
  } while (isEscaped(text, end));
  return end + 1;
}

function isEscaped(text: string, at: number): boolean {
  let backslashes = 0;
  while (text[at - 1 - backslashes] === "\\") backslashes++;
  return backslashes % 2 === 1;
}

/** A name that is none is refused when all is parsed. */
function unescapeName(quoted: string): string {
  if (!quoted.includes("\\")) return quoted.slice(1, -1);
  try {
    return JSON.parse(quoted);
  } catch {
    return quoted;
  }
}
