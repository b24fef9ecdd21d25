import { hash, type X509Certificate } from "node:crypto";
import { PkiError } from "@vcc-pki/errors";
import { type Certificate, keyAlgorithmOf, parseCertificate } from "@vcc-pki/x509";

/** What a certificate says that somebody served. */
export interface ServedCertificate {
  readonly der: Uint8Array;
  /** Lower-case hex. */
  readonly fingerprintSha256: string;
  /** Distinguished names as OpenSSL words them, in one line. */
  readonly subject: string;
  readonly issuer: string;
  readonly serialHex: string;
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** "ec-p256", "rsa-2048"; see `keyAlgorithmOf`. */
  readonly keyAlgorithm: string;
  /** As OpenSSL names it: "ecdsa-with-SHA256", "sha1WithRSAEncryption". */
  readonly signatureAlgorithm: string;
  readonly dnsNames: readonly string[];
  readonly ipAddresses: readonly string[];
  readonly uris: readonly string[];
  /** As `libs/x509` reads it; undefined for one that it refuses: out there, certificates are served that nobody should have signed. */
  readonly parsed: Certificate | undefined;
  /** OpenSSL's view, which compares names. */
  readonly openssl: X509Certificate;
}

/** Reads what a TLS stack has accepted as a certificate. What `libs/x509` refuses has no names and no kind of key. */
export function readServedCertificate(openssl: X509Certificate): ServedCertificate {
  const der = new Uint8Array(openssl.raw);
  const parsed = tryParse(() => parseCertificate(der));
  const names = parsed?.subjectAltNames;
  return {
    ...{ der, parsed, openssl, fingerprintSha256: hash("sha256", der) },
    subject: inOneLine(openssl.subject),
    issuer: inOneLine(openssl.issuer),
    serialHex: parsed?.serialHex ?? openssl.serialNumber.toLowerCase(),
    notBefore: openssl.validFromDate,
    notAfter: openssl.validToDate,
    keyAlgorithm: (parsed && tryParse(() => keyAlgorithmOf(parsed.spkiDer))) ?? "unknown",
    signatureAlgorithm: openssl.signatureAlgorithm ?? "unknown",
    dnsNames: names?.dns ?? [],
    ipAddresses: names?.ip ?? [],
    uris: names?.uri ?? [],
  };
}

/** Whether a client that asked for this host name or address would accept it (RFC 9525): common names do not count. */
export function isNamed({ openssl }: ServedCertificate, name: string): boolean {
  const found = isAddress(name)
    ? openssl.checkIP(name)
    : openssl.checkHost(name, { subject: "never", wildcards: true });
  return found !== undefined;
}

export const isAddress = (name: string): boolean => name.includes(":") || /^\d+(\.\d+){3}$/.test(name);

const inOneLine = (name: string | undefined): string => (name ?? "").replaceAll("\n", ", ");

function tryParse<T>(parse: () => T): T | undefined {
  try {
    return parse();
  } catch (error) {
    if (error instanceof PkiError) return undefined;
    throw error;
  }
}
