import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { PkiError } from "@vcc-pki/errors";
import { type Certificate, equalBytes, isSignedBy, parseCertificate, pemDecode } from "@vcc-pki/x509";
import type { Settings } from "./settings.ts";
import { UsageError } from "./usage.ts";

/** What a TLS client shows and trusts, as PEM. */
export interface Identity {
  readonly keyPem: string;
  readonly chainPem: string;
  readonly trustPem: string;
  readonly certificate: Certificate;
}

/** Reads the three files and looks at them as the server will: one that does not believe a certificate hangs up without a word, so
 *  what can be said is said here, before anything is sent. Throws UsageError for files that cannot be read, CALLER_UNAUTHENTICATED
 *  when key, certificate, time and roots do not go together. */
export function readIdentity({ certFile, keyFile, caFile }: Settings, now: Date): Identity {
  const [chainPem, keyPem, trustPem] = [certFile, keyFile, caFile].map(readText) as [string, string, string];
  const chain = decode(chainPem, certFile);
  const roots = decode(trustPem, caFile);
  const [certificate] = chain;
  const last = chain.at(-1);
  if (!certificate || !last) throw refused(`${certFile} holds no certificate`);
  if (!isKeyOf(keyPem, certificate)) throw refused(`${keyFile} is not the key of ${certFile}`);
  if (now > certificate.notAfter) throw refused(`your certificate expired at ${certificate.notAfter.toISOString()}`);
  const isTrusted = roots.some((root) => equalBytes(root.der, last.der) || isSignedBy(last, root.spkiDer));
  if (!isTrusted) throw refused(`${certFile} does not chain to ${caFile}`);
  return { keyPem, chainPem, trustPem, certificate };
}

function readText(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    const hint = "./pki up makes a local suite, --home and --server pick another one";
    throw new UsageError(`cannot read ${file} (${hint})`, { cause });
  }
}

function decode(pem: string, file: string): Certificate[] {
  try {
    return pemDecode(pem, "CERTIFICATE").map(parseCertificate);
  } catch (cause) {
    throw refused(`${file} does not hold certificates in PEM`, cause);
  }
}

function isKeyOf(keyPem: string, { der }: Certificate): boolean {
  try {
    return new X509Certificate(der).checkPrivateKey(createPrivateKey(keyPem));
  } catch {
    return false;
  }
}

const refused = (why: string, cause?: unknown): PkiError => new PkiError("CALLER_UNAUTHENTICATED", why, { cause });
