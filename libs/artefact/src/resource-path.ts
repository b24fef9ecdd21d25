import { PkiError } from "@vcc-pki/errors";

/** Octets of UTF-8: of a name on common file systems, and of a path in Linux. */
const MAX_SEGMENT_OCTETS = 255;
const MAX_PATH_OCTETS = 4096;

/** C0, DEL and C1, but for the two that sha256sum knows how to write. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is refused
const CONTROLS = /[\u0000-\u0009\u000b\u000c\u000e-\u001f\u007f-\u009f]/;

/** Refuses what could mean another file elsewhere: absolute paths, "." and "..", empty parts, control characters, what is not well-formed
 *  Unicode, or too long. "\" counts as a separator as well, since Windows takes it for one. Throws NAME_MALFORMED. */
export function checkResourcePath(path: string): void {
  const fault = findPathFault(path);
  if (fault !== undefined) {
    throw new PkiError("NAME_MALFORMED", `the path of a file ${fault}`, { details: { file: path.slice(0, 256) } });
  }
}

function findPathFault(path: string): string | undefined {
  if (!path.isWellFormed()) return "is not Unicode";
  if (CONTROLS.test(path)) return "has a control character";
  if (Buffer.byteLength(path) > MAX_PATH_OCTETS) return `has more than ${MAX_PATH_OCTETS} octets`;
  if (/^[A-Za-z]:/.test(path)) return "begins with a drive";
  for (const segment of path.split(/[/\\]/)) {
    if (segment === "") return "is absolute or has an empty part";
    if (segment === "." || segment === "..") return `has the part "${segment}"`;
    if (Buffer.byteLength(segment) > MAX_SEGMENT_OCTETS) return `has a part of more than ${MAX_SEGMENT_OCTETS} octets`;
  }
  return undefined;
}

/** Refuses paths that some file system takes for the same: equal, equal but for upper and lower case, for how accents are composed (NFC, NFD) or for dots and
 *  spaces at the end of a name, and a file that is another's directory. Throws NAME_MALFORMED. */
export function checkDistinct(paths: readonly string[]): void {
  const taken = new Map<string, string>();
  const refuse = (path: string, other: string) => {
    throw new PkiError("NAME_MALFORMED", "two paths could be the same file", { details: { file: path, other } });
  };
  for (const path of paths) {
    const folded = foldPath(path);
    const other = taken.get(folded);
    if (other !== undefined) refuse(path, other);
    taken.set(folded, path);

    for (let end = path.lastIndexOf("/"); end !== -1; end = path.lastIndexOf("/", end - 1)) {
      const directory = path.slice(0, end + 1);
      const foldedDirectory = foldPath(path.slice(0, end));
      const before = taken.get(foldedDirectory);
      if (before === directory) break; // and so are those above it
      if (before !== undefined) refuse(directory, before);
      taken.set(foldedDirectory, directory);
    }
  }
}

/** What case-insensitive and normalising file systems compare. Upper case joins more than lower case does: "ß" and "ss", "ſ" and "s". Windows drops
 *  dots and spaces at the end of a name. */
const foldPath = (path: string): string => {
  const name = DROPPED.test(path) ? path.replaceAll(ALL_DROPPED, "") : path;
  return isAscii(name) ? name.toUpperCase() : name.normalize("NFD").toUpperCase().normalize("NFC");
};

const DROPPED = /[. ](?:\/|$)/;
const ALL_DROPPED = /[. ]+(?=\/|$)/g;

const isAscii = (text: string): boolean => Buffer.byteLength(text) === text.length;
