import type { Certificate } from "../certificate.ts";
import type { KeyUsage } from "../extensions/key-usage.ts";
import { OID } from "../oids.ts";

interface PurposeRow {
  /** keyUsage, where present, has at least one of these (RFC 5280 section 4.2.1.12). */
  readonly keyUsages: readonly KeyUsage[];
  /** The end entity says that it is for this: saying nothing, or anyExtendedKeyUsage anywhere in the path, is not enough. Nor is it a CA. */
  readonly isStated?: boolean;
  /** extKeyUsage is critical and holds nothing else, keyUsage nothing but the above (RFC 3161 section 2.3). */
  readonly isSole?: boolean;
}

const SIGNING: readonly KeyUsage[] = ["digitalSignature", "nonRepudiation"];

/** Purposes that have rules of their own. Of others only extKeyUsage is looked at. */
const PURPOSES: Readonly<Record<string, PurposeRow>> = {
  [OID.serverAuth]: { keyUsages: ["digitalSignature", "keyEncipherment", "keyAgreement"] },
  [OID.clientAuth]: { keyUsages: ["digitalSignature", "keyAgreement"] },
  [OID.codeSigning]: { keyUsages: ["digitalSignature"], isStated: true },
  [OID.timeStamping]: { keyUsages: SIGNING, isStated: true, isSole: true },
  [OID.ocspSigning]: { keyUsages: SIGNING, isStated: true },
};

/** What keeps an end entity from this purpose, which is an object identifier of extKeyUsage; undefined: nothing. */
export function findPurposeFault(certificate: Certificate, purpose: string): string | undefined {
  const { extendedKeyUsages, keyUsage, isCa, extensions } = certificate;
  const { keyUsages, isStated = false, isSole = false } = PURPOSES[purpose] ?? {};
  if (isStated && extendedKeyUsages === undefined) return "does not say that it is for this purpose";
  if (isStated && isCa) return "a CA is not for this purpose";
  if (!admits(extendedKeyUsages, purpose)) return "is for other purposes";
  if (keyUsage && keyUsages && !keyUsages.some((usage) => keyUsage.includes(usage))) return "keyUsage does not fit";
  if (!isSole) return undefined;
  if (extendedKeyUsages?.length !== 1) return "is for other purposes, too";
  if (!extensions.some(({ oid, critical }) => oid === OID.extKeyUsage && critical))
    return "extKeyUsage is not critical";
  if (keyUsage?.some((usage) => !keyUsages?.includes(usage))) return "keyUsage allows more than signing";
  return undefined;
}

/** True if a CA with these key purposes may issue for this one. By custom, not by RFC 5280, extKeyUsage of a CA limits what is below it;
 *  not its own OCSP responder, which answers for it in whatever it issues (RFC 6960 section 4.2.2.2). */
export const mayIssueFor = (extendedKeyUsages: readonly string[] | undefined, purpose: string): boolean =>
  purpose === OID.ocspSigning || admits(extendedKeyUsages, purpose);

function admits(extendedKeyUsages: readonly string[] | undefined, purpose: string): boolean {
  if (extendedKeyUsages === undefined || extendedKeyUsages.includes(purpose)) return true;
  return extendedKeyUsages.includes(OID.anyExtendedKeyUsage) && !PURPOSES[purpose]?.isStated;
}
