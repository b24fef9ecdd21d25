import { closeSync, existsSync, fsyncSync, openSync, renameSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { ensurePrivateDirectory } from "@vcc-pki/suite-tool";

/** Writes a file so that it is there as a whole or not at all, also after a power failure. */
export function writeWhole(file: string, content: string | Uint8Array, mode: 0o600 | 0o644): void {
  ensurePrivateDirectory(dirname(file));
  const temporary = `${file}.new`;
  const descriptor = openSync(temporary, "w", mode);
  try {
    writeSync(descriptor, typeof content === "string" ? Buffer.from(content) : content);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  renameSync(temporary, file);
  const directory = openSync(dirname(file), "r");
  fsyncSync(directory);
  closeSync(directory);
}

/** Writes a secret for its owner's eyes alone. One that is there stays: something may depend on it. Answers whether it is new. */
export function writeSecretOnce(file: string, make: () => string): boolean {
  if (existsSync(file)) return false;
  writeWhole(file, make(), 0o600);
  return true;
}
