import { PkiError } from "@vcc-pki/errors";
import type { Resource } from "./resources.ts";

/** The lines that `sha256sum -b` prints: hash, space, "*", path. A line begins with "\" when its path has one of the characters that are
 *  written as escapes: backslash, line feed, carriage return (GNU coreutils 9.1, "cksum output modes"). */
export const manifestBody = (resources: readonly Resource[]): string => resources.map(line).join("");

const ESCAPES: Readonly<Record<string, string>> = { "\\": "\\\\", "\n": "\\n", "\r": "\\r" };

function line({ path, sha256Hex }: Resource): string {
  const escaped = path.replace(/[\\\n\r]/g, (character) => ESCAPES[character] as string);
  return `${escaped === path ? "" : "\\"}${sha256Hex} *${escaped}\n`;
}

const LINE = /^(\\?)([0-9a-f]{64}) \*([^\n\r]+)$/;

/** Reads one line, without its end. Throws MANIFEST_MALFORMED. Whether it is written in the one right way is seen by writing it again. */
export function parseSumsLine(text: string): Resource {
  const [, isEscaped, sha256Hex, path] = LINE.exec(text) ?? [];
  if (sha256Hex === undefined || path === undefined)
    throw malformedManifest("has a line that sha256sum -b does not print");
  return { sha256Hex, path: isEscaped ? unescapePath(path) : path };
}

const unescapePath = (path: string): string =>
  path.replace(/\\(.?)/gs, (_, character: string) => {
    if (character === "n") return "\n";
    if (character === "r") return "\r";
    if (character === "\\") return "\\";
    throw malformedManifest("has an escape that sha256sum does not know");
  });

export const malformedManifest = (fault: string): PkiError =>
  new PkiError("MANIFEST_MALFORMED", `the manifest ${fault}`);
