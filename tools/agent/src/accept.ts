import { PkiError } from "@vcc-pki/errors";
import type { Clock } from "@vcc-pki/time";
import { type Certificate, OID, parseCertificate, pemDecode, validatePath } from "@vcc-pki/x509";
import type { Identity } from "./config.ts";
import { clockWrong } from "./gateway/clock-check.ts";
import type { Enrolled } from "./gateway/wire.ts";
import { isKeyOf } from "./key.ts";

export interface Expected {
  readonly identity: Identity;
  readonly keyPem: string;
  /** The roots that we trust, not those that came with the answer. */
  readonly bundlePem: string;
  readonly clock: Clock;
}

/** The certificate in an answer, once it is what we asked for: for our key, with our identity and names, valid now, and under roots that we trust.
 *  Throws SERVER_NOT_TRUSTED, or CLOCK_WRONG when it would be valid at another time. Nothing of it is used before. */
export function acceptCertificate(answer: Enrolled, { identity, keyPem, bundlePem, clock }: Expected): Certificate {
  const [certificate, ...candidates] = pemDecode(answer.chain_pem, "CERTIFICATE").map(parseCertificate);
  if (certificate === undefined) throw unfit("it holds no certificate");
  const { serialHex, subjectAltNames, notBefore, notAfter } = certificate;
  if (serialHex !== answer.serial_number) throw unfit("its serial number is another one");
  if (!isKeyOf(keyPem, certificate.der)) throw unfit("it is for another key");
  if (subjectAltNames.uri.join() !== identity.spiffeId) throw unfit(`it is not for ${identity.spiffeId}`);
  const missing = identity.dns.find((name) => !subjectAltNames.dns.includes(name));
  if (missing !== undefined) throw unfit(`it does not name ${missing}`);

  const now = clock.now();
  if (now < notBefore) throw clockWrong(now, notBefore);
  if (now > notAfter) throw clockWrong(now, notAfter);
  const faults = pathFaults(certificate, candidates, bundlePem, now);
  if (faults !== undefined) throw unfit(faults);
  return certificate;
}

/** Throws SERVER_NOT_TRUSTED when the chain of our own certificate, which is valid, does not lead to these roots: with them we would trust
 *  nobody of our own kind. */
export function requireRootOf(chainPem: string, bundlePem: string, now: Date): void {
  const [certificate, ...candidates] = pemDecode(chainPem, "CERTIFICATE").map(parseCertificate);
  if (certificate === undefined || certificate.notAfter < now) return;
  if (pathFaults(certificate, candidates, bundlePem, now) === undefined) return;
  throw new PkiError("SERVER_NOT_TRUSTED", "the new trust bundle does not hold the root of our own certificate");
}

/** What is wrong with the way from a certificate to one of these roots; undefined: nothing. */
function pathFaults(
  certificate: Certificate,
  candidates: readonly Certificate[],
  bundlePem: string,
  at: Date,
): string | undefined {
  const anchors = pemDecode(bundlePem, "CERTIFICATE").map(parseCertificate);
  const path = validatePath({ certificate, candidates, anchors, at, purpose: OID.serverAuth });
  return path.ok ? undefined : path.reasons.map(({ message }) => message).join("; ");
}

const unfit = (why: string): PkiError =>
  new PkiError("SERVER_NOT_TRUSTED", `the certificate in the gateway's answer is not what was asked for: ${why}`);
