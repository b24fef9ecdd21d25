import type { Certificate } from "../certificate.ts";
import { OID } from "../oids.ts";

/** What keeps a certificate from being a time-stamping unit's; undefined: nothing. extendedKeyUsage is there, critical, and timeStamping is
 *  all that it has (RFC 3161 section 2.3); key usages, if said, are for signatures alone; it is no CA. */
export function findUnitFault({ extensions, extendedKeyUsages, keyUsage, isCa }: Certificate): string | undefined {
  if (extendedKeyUsages?.length !== 1 || extendedKeyUsages[0] !== OID.timeStamping)
    return "extended key usage is not timeStamping alone";
  if (!extensions.some(({ oid, critical }) => oid === OID.extKeyUsage && critical))
    return "extended key usage is not critical";
  if (isCa) return "it is a CA's";
  const forSignatures = keyUsage?.every((usage) => usage === "digitalSignature" || usage === "nonRepudiation") ?? true;
  return forSignatures ? undefined : "its key is for more than signatures";
}

/** Why this certificate's key could not sign at this time; undefined: it could. It is inside the certificate's validity, whose last second
 *  counts, and inside privateKeyUsagePeriod if that is said. */
export function findUntimely({ notBefore, notAfter, known }: Certificate, at: Date): string | undefined {
  const isInside = (from: Date | undefined, to: Date | undefined): boolean =>
    (from === undefined || from <= at) && (to === undefined || at.getTime() < to.getTime() + 1_000);
  if (!isInside(notBefore, notAfter)) return "the certificate is not valid at this time";
  const { privateKeyUsagePeriod: period } = known;
  return isInside(period?.notBefore, period?.notAfter) ? undefined : "the key is not to be used at this time";
}
