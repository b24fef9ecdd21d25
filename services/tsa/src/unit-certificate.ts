import { PkiError } from "@vcc-pki/errors";
import { type Certificate, equalBytes, findUnitFault, isSignedBy } from "@vcc-pki/x509";

export interface UnitCertificateRules {
  /** The key it must be for. */
  readonly spkiDer: Uint8Array;
  /** The DNS name of units for trying out, which only they carry and all of them. */
  readonly testName: string;
  readonly isTest: boolean;
}

/** First and last moment in which a unit's key may sign. */
export interface SigningPeriod {
  readonly signsFrom: Date;
  readonly signsUntil: Date;
}

/** Holds a certificate to what relying parties expect of a time-stamping unit (RFC 3161 section 2.3, EN 319 421 section 7.7.2), and says
 *  when its key signs. `chain` begins with the certificate and its issuer. Throws LINT_FAILED with the reason. */
export function requireUnitCertificate(chain: readonly Certificate[], rules: UnitCertificateRules): SigningPeriod {
  const [certificate, issuer] = chain;
  if (certificate === undefined || issuer === undefined) throw refused("its issuer is missing");
  if (!equalBytes(certificate.spkiDer, rules.spkiDer)) throw refused("it is for another key");
  if (!isSignedBy(certificate, issuer.spkiDer)) throw refused("its issuer has not signed it");
  const fault = findUnitFault(certificate) ?? (certificate.keyUsage ? undefined : "it has no key usage");
  if (fault !== undefined) throw refused(fault);
  const isMarked = certificate.subjectAltNames.dns.includes(rules.testName);
  if (isMarked !== rules.isTest) throw refused(`it is ${rules.isTest ? "not " : ""}marked as a test`);
  return signingPeriodOf(certificate);
}

/** The key stops before the certificate does, so that what it has signed last can still be verified for a while. */
function signingPeriodOf({ notBefore, notAfter, known }: Certificate): SigningPeriod {
  const period = known.privateKeyUsagePeriod;
  const until = period?.notAfter;
  if (until === undefined) throw refused("privateKeyUsagePeriod has no end");
  if (until >= notAfter) throw refused("privateKeyUsagePeriod is as long as its life");
  const from = new Date(Math.max(notBefore.getTime(), period?.notBefore?.getTime() ?? 0));
  // Both name the last second in which it is so (RFC 5280 section 4.1.2.5).
  return { signsFrom: from, signsUntil: new Date(until.getTime() + 999) };
}

const refused = (why: string): PkiError => new PkiError("LINT_FAILED", `not a unit's certificate: ${why}`);
