import { parseBundle, type SignatureMaterial } from "@vcc-pki/artefact";
import { PkiError } from "@vcc-pki/errors";
import {
  type Certificate,
  equalBytes,
  OID,
  parseSignedData,
  parseTimeStampToken,
  type SignedData,
} from "@vcc-pki/x509";

const MAX_CMS_OCTETS = 1024 * 1024;

/** Certificates that came with a signature and its time stamp, unverified, to know about whom to ask. None where they cannot be read: the
 *  verification says why. */
export function certificatesIn(material: SignatureMaterial): Certificate[] {
  try {
    const { certificates, tokens } = material.format === "bundle" ? inBundle(material.bundle) : inCms(material.cms);
    return [...certificates, ...tokens.flatMap((token) => parseTimeStampToken(token).signedData.certificates)];
  } catch (error) {
    if (error instanceof PkiError) return [];
    throw error;
  }
}

function inBundle(octets: Uint8Array) {
  const { certificates, timeStamps } = parseBundle(octets);
  return { certificates, tokens: timeStamps };
}

function inCms(der: Uint8Array) {
  const signedData = parseSignedData(der, MAX_CMS_OCTETS);
  return { certificates: signedData.certificates, tokens: tokensIn(signedData) };
}

const tokensIn = ({ signerInfos }: SignedData) =>
  signerInfos
    .flatMap(({ unsignedAttributes }) => unsignedAttributes)
    .filter(({ oid }) => oid === OID.timeStampToken)
    .flatMap(({ values }) => values);

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
