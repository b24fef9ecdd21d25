import { PkiError } from "@vcc-pki/errors";
import { type Certificate, equalBytes, OID, validatePath } from "@vcc-pki/x509";

export interface SignerCertificateRules {
  /** The key it must be for. */
  readonly spkiDer: Uint8Array;
  /** The signer's SPIFFE URI, its one name of that kind. */
  readonly identity: string;
  readonly anchors: readonly Certificate[];
  readonly now: Date;
}

/** Holds a certificate to what relying parties expect of a signer: this key, this identity, code signing and nothing else, under our own
 *  roots. `chain` begins with the certificate and its issuer. Throws LINT_FAILED with the reason. */
export function requireSignerCertificate(chain: readonly Certificate[], rules: SignerCertificateRules): void {
  const [certificate, ...candidates] = chain;
  if (certificate === undefined || candidates.length === 0) throw refused("its issuer is missing");
  if (!equalBytes(certificate.spkiDer, rules.spkiDer)) throw refused("it is for another key");
  const { uri } = certificate.subjectAltNames;
  if (uri.length !== 1 || uri[0] !== rules.identity) throw refused(`it is not for ${rules.identity}`);
  if (certificate.extendedKeyUsages?.join(" ") !== OID.codeSigning) throw refused("it is not for code signing alone");
  if (!certificate.keyUsage?.includes("digitalSignature")) throw refused("its key does not sign");
  const { anchors, now: at } = rules;
  const result = validatePath({ certificate, candidates, anchors, at, purpose: OID.codeSigning });
  if (!result.ok) throw refused(result.reasons.map(({ reason, message }) => `${reason}: ${message}`).join("; "));
}

const refused = (why: string): PkiError => new PkiError("LINT_FAILED", `not a signer's certificate: ${why}`);
