import { hash } from "node:crypto";
import { PkiError } from "@vcc-pki/errors";
import { toHex } from "../der/bytes.ts";
import { parseSubjectPublicKey } from "../spki.ts";

/** Keys that must not be certified because others have them. */
export interface KeyBlocklist {
  /** Throws DER_MALFORMED when `spkiDer` is not a SubjectPublicKeyInfo. */
  has(spkiDer: Uint8Array): boolean;
}

/**
 * Reads a blocklist: one key to a line, "#" starts a comment. A line is either
 * - 20 hex digits: lower half of SHA-1 over "Modulus=<upper-case hex>\n", the format of Debian's openssl-blacklist packages with
 *   the keys of the broken generator of 2006 to 2008 (CVE-2008-0166); or
 * - 64 hex digits: SHA-256 of a SubjectPublicKeyInfo, for any other compromised key.
 * Throws CONFIG_INVALID on any other line.
 */
export function parseKeyBlocklist(text: string): KeyBlocklist {
  const moduli = new Set<string>();
  const spkis = new Set<string>();
  for (const line of text.split("\n")) {
    const fingerprint = line.replace(/#.*/, "").trim().toLowerCase();
    if (/^[0-9a-f]{20}$/.test(fingerprint)) moduli.add(fingerprint);
    else if (/^[0-9a-f]{64}$/.test(fingerprint)) spkis.add(fingerprint);
    else if (fingerprint !== "")
      throw new PkiError("CONFIG_INVALID", `not a key fingerprint: "${fingerprint.slice(0, 80)}"`);
  }
  return {
    has(spkiDer) {
      const key = parseSubjectPublicKey(spkiDer);
      if (spkis.has(hash("sha256", spkiDer))) return true;
      return key.type === "rsa" && moduli.has(modulusFingerprint(key.modulus));
    },
  };
}

const modulusFingerprint = (modulus: Uint8Array): string =>
  hash("sha1", `Modulus=${toHex(modulus).replace(/^0/, "").toUpperCase()}\n`).slice(20);
