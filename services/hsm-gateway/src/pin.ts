import { closeSync, fstatSync, openSync, readFileSync } from "node:fs";
import { PkiError } from "@vcc-pki/errors";

/** Hands the PIN in `file` to `use` and wipes it. The file must belong to nobody else's eyes; a line end after the PIN is not
 *  part of it. The string that pkcs11js wants cannot be wiped; it lives until the next garbage collection.
 *  Throws CONFIG_INVALID when the file is missing, readable by group or others, or empty. */
export function withPin<T>(file: string, use: (pin: string) => T): T {
  const octets = readPrivateFile(file);
  try {
    let end = octets.length;
    while (end > 0 && (octets[end - 1] === 0x0a || octets[end - 1] === 0x0d)) end--;
    if (end === 0) throw new PkiError("CONFIG_INVALID", `the PIN file ${file} is empty`);
    return use(octets.toString("utf8", 0, end));
  } finally {
    octets.fill(0);
  }
}

function readPrivateFile(file: string): Buffer {
  let descriptor: number;
  try {
    descriptor = openSync(file, "r");
  } catch (cause) {
    throw new PkiError("CONFIG_INVALID", `the PIN file ${file} cannot be read`, { cause });
  }
  try {
    // The open file is asked, not the path: what is checked is what is read.
    if ((fstatSync(descriptor).mode & 0o077) !== 0) {
      throw new PkiError("CONFIG_INVALID", `the PIN file ${file} is open to others: chmod 600 it`);
    }
    return readFileSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
