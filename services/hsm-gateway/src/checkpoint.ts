import { PkiError } from "@vcc-pki/errors";

export interface Checkpoint {
  /** Which log this is, e.g. "vcc.internal/pki/audit". */
  readonly origin: string;
  readonly size: bigint;
  readonly rootHash: Uint8Array;
  readonly extensions: readonly string[];
}

/** The text of a checkpoint before its signatures (C2SP tlog-checkpoint): origin, tree size, root hash in base64, extension lines,
 *  each ending in a line feed, none empty. Throws REQUEST_MALFORMED. */
export function parseCheckpoint(text: Uint8Array): Checkpoint {
  const decoded = decode(text);
  if (!decoded.endsWith("\n")) throw malformed("the last line has no end");
  const [origin = "", size = "", root = "", ...extensions] = decoded.slice(0, -1).split("\n");
  // Origins must be neither empty nor contain what separates the parts of a signature line (C2SP signed-note).
  if (!/^[^\s+]+$/u.test(origin)) throw malformed("no origin");
  if (!/^(0|[1-9][0-9]{0,18})$/.test(size)) throw malformed("the size is not a decimal number");
  const rootHash = Buffer.from(root, "base64");
  if (rootHash.length !== 32 || rootHash.toString("base64") !== root) throw malformed("the root hash is not 32 octets");
  if (extensions.some((line) => line === "")) throw malformed("an extension line is empty");
  return { origin, size: BigInt(size), rootHash, extensions };
}

function decode(text: Uint8Array): string {
  let decoded: string;
  try {
    decoded = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(text);
  } catch (cause) {
    throw malformed("it is not UTF-8", cause);
  }
  if (/[^\P{Cc}\n]/u.test(decoded)) throw malformed("it contains a control character");
  return decoded;
}

const malformed = (why: string, cause?: unknown): PkiError =>
  new PkiError("REQUEST_MALFORMED", `not a checkpoint: ${why}`, { cause });
