import { fetchPublic } from "@vcc-pki/client";
import { PkiError } from "@vcc-pki/errors";
import {
  type Certificate,
  type CertificateList,
  equalBytes,
  isSignedBy,
  OID,
  parseCertificateList,
} from "@vcc-pki/x509";
import type { ProvenStatus } from "./proven-status.ts";

const MAX_CRL_BYTES = 256 * 1024 * 1024;
const CLOCK_SKEW_MS = 5 * 60_000;

export const fetchCrlFrom = async (url: string): Promise<Buffer> =>
  fetchPublic({ url, accept: "application/pkix-crl", maxBytes: MAX_CRL_BYTES });

/** What the lists named in the certificate say, full and delta. A certificate that is on none is good; whether its authority issued it at
 *  all no list says. Throws STATUS_NOT_PROVEN for a list that does not cover the certificate or this moment, SIGNATURE_INVALID. */
export async function askCrl(certificate: Certificate, issuer: Certificate, now: () => Date): Promise<ProvenStatus> {
  const url = certificate.crlDistributionPoints.find((candidate) => candidate.startsWith("http"));
  if (url === undefined) throw notProven("the certificate names no revocation list");
  const full = parseCertificateList(await fetchCrlFrom(url));
  if (full.known.deltaCrlIndicator !== undefined) throw notProven("the list is a delta where the full one should be");
  requireUsable(full, { certificate, issuer, url, now: now() });

  const delta = await fetchDelta(certificate, full);
  if (delta !== undefined) requireUsable(delta, { certificate, issuer, url, now: now() });
  const { serialHex } = certificate;
  const changed = delta?.findRevoked(serialHex);
  const entry = changed ?? full.findRevoked(serialHex);
  const { thisUpdate, nextUpdate } = delta ?? full;
  const says = { source: "crl", url, signer: issuer, thisUpdate, nextUpdate } as const;
  if (entry === undefined || entry.reason === "removeFromCRL") return { ...says, status: "good" };
  return { ...says, status: "revoked", revokedAt: entry.revocationDate, reason: entry.reason };
}

/** Where freshestCRL points (RFC 5280 section 5.2.6). One that builds on an older list than ours is complete with it; one that builds on a
 *  newer is not. A delta that is not there takes nothing from the full list. */
async function fetchDelta(certificate: Certificate, full: CertificateList): Promise<CertificateList | undefined> {
  const [url] = [...(full.known.freshestCrl ?? []), ...(certificate.known.freshestCrl ?? [])];
  if (url === undefined) return undefined;
  const der = await fetchCrlFrom(url).catch((error) => {
    if (error instanceof PkiError && error.code === "NOT_FOUND") return undefined;
    throw error;
  });
  const delta = der && parseCertificateList(der);
  const base = delta?.known.deltaCrlIndicator;
  if (base === undefined || full.crlNumber === undefined || base > full.crlNumber) return undefined;
  return (delta?.crlNumber ?? 0n) >= full.crlNumber ? delta : undefined;
}

interface Coverage {
  readonly certificate: Certificate;
  readonly issuer: Certificate;
  readonly url: string;
  readonly now: Date;
}

/** The parts of RFC 5280 section 6.3.3 that concern a list signed by the issuer itself. */
function requireUsable(crl: CertificateList, { certificate, issuer, url, now }: Coverage): void {
  if (!equalBytes(crl.issuer.der, issuer.subject.der) || !isSignedBy(crl, issuer.spkiDer)) {
    throw new PkiError("SIGNATURE_INVALID", "the list is not signed by the certificate's issuer");
  }
  if (issuer.keyUsage !== undefined && !issuer.keyUsage.includes("cRLSign")) {
    throw new PkiError("SIGNATURE_INVALID", "the issuer may not sign lists");
  }
  const point = crl.known.issuingDistributionPoint;
  const isForOthers =
    point !== undefined &&
    ((point.urls.length > 0 && !point.urls.includes(url)) ||
      (certificate.isCa ? point.onlyContainsUserCerts : point.onlyContainsCaCerts) ||
      point.onlySomeReasons ||
      point.indirectCrl ||
      point.onlyContainsAttributeCerts);
  const isStrange = crl.extensions.some(({ oid, critical }) => critical && !UNDERSTOOD.has(oid));
  if (isForOthers || isStrange) throw notProven("the list does not cover the certificate");
  if (crl.thisUpdate.getTime() > now.getTime() + CLOCK_SKEW_MS) throw notProven("the list is from the future");
  if (crl.nextUpdate === undefined || crl.nextUpdate.getTime() < now.getTime() - CLOCK_SKEW_MS) {
    throw notProven("the list is out of date");
  }
}

const UNDERSTOOD: ReadonlySet<string> = new Set([OID.issuingDistributionPoint, OID.deltaCRLIndicator]);

const notProven = (message: string): PkiError => new PkiError("STATUS_NOT_PROVEN", message);
