import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pemEncode } from "@vcc-pki/x509";

/** OpenSSL's command line as a second opinion, in a directory of its own. */
export interface OpenSsl {
  /** Runs `openssl` there; returns what it prints. Throws when it exits with an error. */
  run(...words: string[]): string;
  /** Writes a PEM file there; returns its name. */
  pem(name: string, label: string, ...der: Uint8Array[]): string;
  close(): void;
}

export function openSsl(): OpenSsl {
  const directory = mkdtempSync(join(tmpdir(), "vcc-openssl-"));
  return {
    run: (...words) => execFileSync("openssl", words, { cwd: directory, encoding: "utf8", stdio: "pipe" }),
    pem(name, label, ...der) {
      writeFileSync(join(directory, name), der.map((one) => pemEncode(label, one)).join(""));
      return name;
    },
    close: () => rmSync(directory, { recursive: true, force: true }),
  };
}
