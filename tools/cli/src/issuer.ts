import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fetchPublic } from "@vcc-pki/client";
import { PkiError } from "@vcc-pki/errors";
import { type Certificate, equalBytes, isSignedBy, parseCertificate, pemDecode } from "@vcc-pki/x509";
import type { Settings } from "./settings.ts";
import { UsageError } from "./usage.ts";

/** A certificate and others that may be above it. */
export interface Chain {
  readonly certificate: Certificate;
  readonly others: readonly Certificate[];
}

const MAX_DEPTH = 8;
const MAX_CERTIFICATE_BYTES = 64 * 1024;

/** The authority that issued the certificate, with a chain of signatures to a trusted root: from what came with the certificate, the
 *  suite's own bundle, or where the certificate says. Throws SIGNATURE_INVALID when there is none. */
export async function findIssuer({ certificate, others }: Chain, settings: Settings, now: Date): Promise<Certificate> {
  const { roots, bundle } = readTrusted(settings);
  const near = [...others, ...roots, ...bundle];
  const trusted = trustedIssuer(certificate, near, roots, now);
  if (trusted !== undefined) return trusted;
  const fetched = await fetchIssuers(certificate, near);
  const found = trustedIssuer(certificate, [...near, ...fetched], roots, now);
  if (found !== undefined) return found;
  throw new PkiError("SIGNATURE_INVALID", `no chain from the certificate to ${settings.caFile}`);
}

function trustedIssuer(
  certificate: Certificate,
  pool: readonly Certificate[],
  roots: readonly Certificate[],
  now: Date,
  depth = 0,
): Certificate | undefined {
  if (depth > MAX_DEPTH) return undefined;
  return issuersIn(pool, certificate).find((issuer) => {
    if (!issuer.isCa || now < issuer.notBefore || now > issuer.notAfter) return false;
    if (roots.some((root) => equalBytes(root.der, issuer.der))) return true;
    if (equalBytes(issuer.subject.der, issuer.issuer.der)) return false;
    return trustedIssuer(issuer, pool, roots, now, depth + 1) !== undefined;
  });
}

const issuersIn = (pool: readonly Certificate[], certificate: Certificate): Certificate[] =>
  pool.filter(
    ({ subject, spkiDer }) => equalBytes(subject.der, certificate.issuer.der) && isSignedBy(certificate, spkiDer),
  );

/** By the URLs of the caIssuers access method, upwards (RFC 5280 section 4.2.2.1). Nothing of it is trusted for that. */
async function fetchIssuers(certificate: Certificate, near: readonly Certificate[]): Promise<Certificate[]> {
  const fetched: Certificate[] = [];
  let current: Certificate | undefined = certificate;
  for (let depth = 0; current !== undefined && depth < MAX_DEPTH; depth++) {
    const known: Certificate | undefined = issuersIn(near, current)[0];
    const [url] = current.caIssuerUrls;
    if (known === undefined && url === undefined) break;
    const issuer: Certificate = known ?? parseCertificate(await fetchPublic({ url: url ?? "", ...ISSUER }));
    if (known === undefined) fetched.push(issuer);
    current = equalBytes(issuer.subject.der, issuer.issuer.der) ? undefined : issuer;
  }
  return fetched;
}

const ISSUER = { accept: "application/pkix-cert", maxBytes: MAX_CERTIFICATE_BYTES } as const;

/** The roots to trust, and the suite's authorities where they lie beside them. Throws UsageError. */
export function readTrusted({ caFile }: Settings): { roots: Certificate[]; bundle: Certificate[] } {
  const bundle = join(dirname(caFile), "bundle.pem");
  return { roots: readCertificates(caFile), bundle: existsSync(bundle) ? readCertificates(bundle) : [] };
}

/** Throws UsageError when the file cannot be read or holds no certificates in PEM. */
function readCertificates(file: string): Certificate[] {
  try {
    return pemDecode(readFileSync(file, "utf8"), "CERTIFICATE").map(parseCertificate);
  } catch (cause) {
    throw new UsageError(`cannot read trusted certificates from ${file} (--ca FILE names others)`, { cause });
  }
}
