import type { Certificate } from "../certificate.ts";
import type { CertificateList } from "../crl.ts";
import { equalBytes } from "../der/bytes.ts";
import { OID } from "../oids.ts";
import { isProvenBy } from "./is-proven-by.ts";
import type { RevocationStatement } from "./revocation-statement.ts";

/** Extensions of a list that may be critical: those we act on (RFC 5280 section 5.2). */
const UNDERSTOOD: ReadonlySet<string> = new Set([OID.issuingDistributionPoint, OID.deltaCRLIndicator]);

/** What a list says about a certificate; undefined when it is not the issuer's, or for other things (RFC 5280 section 6.3.3). Lists
 *  by someone else than the issuer's own key (indirect CRLs) do not count. */
export function crlStatement(
  crl: CertificateList,
  certificate: Certificate,
  issuer: Certificate,
): RevocationStatement | undefined {
  const { indirectCrl, onlyContainsAttributeCerts } = crl.known.issuingDistributionPoint ?? {};
  if (indirectCrl || onlyContainsAttributeCerts) return undefined;
  if (crl.extensions.some(({ oid, critical }) => critical && !UNDERSTOOD.has(oid))) return undefined;
  if (!equalBytes(crl.issuer.der, certificate.issuer.der) || !equalBytes(crl.issuer.der, issuer.subject.der))
    return undefined;
  if (issuer.keyUsage && !issuer.keyUsage.includes("cRLSign")) return undefined;
  if (!isProvenBy(crl, issuer)) return undefined;

  const entry = crl.findRevoked(certificate.serialHex);
  return {
    source: { kind: "crl", crl },
    thisUpdate: crl.thisUpdate,
    nextUpdate: crl.nextUpdate,
    // A hold that a delta releases stays one until the next full list: deltas are heard when they revoke, never when they clear.
    revocation: entry?.reason === "removeFromCRL" ? undefined : entry,
    isComplete: isComplete(crl, certificate),
  };
}

/** Whether all revocations of certificates like this one are on the list. */
function isComplete(crl: CertificateList, certificate: Certificate): boolean {
  const { version, crlNumber, known, nextUpdate } = crl;
  if (known.deltaCrlIndicator !== undefined) return false;
  // Sections 5.1.2.1, 5.1.2.5 and 5.2.3: a conforming CA leaves none of these out.
  if (version !== 2 || crlNumber === undefined || nextUpdate === undefined) return false;
  return isInScope(crl, certificate) && hasKept(crl, certificate);
}

/** Section 5.2.5. A list for one distribution point is about certificates that name it, by a URL. */
function isInScope({ known }: CertificateList, { isCa, crlDistributionPoints }: Certificate): boolean {
  const point = known.issuingDistributionPoint;
  if (point === undefined) return true;
  if (point.onlySomeReasons || (isCa ? point.onlyContainsUserCerts : point.onlyContainsCaCerts)) return false;
  return !point.isNamed || point.urls.some((url) => crlDistributionPoints.includes(url));
}

/** Expired certificates leave the list (section 5), unless it says since when it keeps them. */
function hasKept({ thisUpdate, known }: CertificateList, { notAfter }: Certificate): boolean {
  const { expiredCertsOnCrl } = known;
  return thisUpdate <= notAfter || (expiredCertsOnCrl !== undefined && expiredCertsOnCrl <= notAfter);
}
