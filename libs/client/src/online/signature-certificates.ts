import { PkiError } from "@vcc-pki/errors";
import {
  type Certificate,
  equalBytes,
  OID,
  parseSignedData,
  parseTimeStampToken,
  type SignedData,
} from "@vcc-pki/x509";
import type { SignatureFiles } from "../signature-files.ts";

const MAX_CMS_OCTETS = 1024 * 1024;

/** Certificates that came with a signature and its time stamp, unverified, to know about whom to ask. None where they cannot be read: the
 *  verification says why. */
export function certificatesIn(files: SignatureFiles): Certificate[] {
  if (!("cms" in files)) return [];
  try {
    const signedData = parseSignedData(files.cms, MAX_CMS_OCTETS);
    return [...signedData.certificates, ...tokensIn(signedData).flatMap((token) => token.signedData.certificates)];
  } catch (error) {
    if (error instanceof PkiError) return [];
    throw error;
  }
}

const tokensIn = ({ signerInfos }: SignedData) =>
  signerInfos
    .flatMap(({ unsignedAttributes }) => unsignedAttributes)
    .filter(({ oid }) => oid === OID.timeStampToken)
    .flatMap(({ values }) => values)
    .map(parseTimeStampToken);

/** These and what is above them in `pool`, each once, without those that are trusted as they are. */
export function withIssuers(
  certificates: readonly Certificate[],
  pool: readonly Certificate[],
  anchors: readonly Certificate[],
): Certificate[] {
  const found: Certificate[] = [];
  const isKnown = ({ der }: Certificate) => [...found, ...anchors].some((known) => equalBytes(known.der, der));
  const waiting = [...certificates];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (isKnown(next)) continue;
    const { issuer } = next;
    found.push(next);
    waiting.push(...pool.filter(({ subject }) => equalBytes(subject.der, issuer.der)));
  }
  return found;
}
