import { X509Certificate } from "node:crypto";
import { PkiError } from "@vcc-pki/errors";
import { pemDecode, pemEncode } from "@vcc-pki/x509";

/** The roots among the certificates of a trust bundle: those that have signed themselves. The others are intermediates, which are for building
 *  chains and not to be anchors. Throws SERVER_NOT_TRUSTED when there is none. */
export function rootsOnly(bundlePem: string): string {
  const roots = decode(bundlePem).filter(isSelfSigned);
  if (roots.length === 0) throw new PkiError("SERVER_NOT_TRUSTED", "the trust bundle holds no root");
  return roots.map((der) => pemEncode("CERTIFICATE", der)).join("");
}

function decode(pem: string): Uint8Array[] {
  try {
    return pemDecode(pem, "CERTIFICATE");
  } catch (cause) {
    throw new PkiError("SERVER_NOT_TRUSTED", "the trust bundle is no PEM", { cause });
  }
}

function isSelfSigned(der: Uint8Array): boolean {
  const certificate = new X509Certificate(der);
  return certificate.checkIssued(certificate) && certificate.verify(certificate.publicKey);
}
