import { command } from "../command.ts";
import { ACCEPTS, refuses } from "../judge.ts";
import type { TimeStampSpecimen } from "../specimen.ts";

/** `openssl ts -verify`, as of the time of the token. Its time stamps are PKCS #7, which is older than RSA-PSS: those are verified by
 *  `openssl cms`, which looks at signature, certificate and path, and at nothing that makes a message a time stamp. */
export async function verifyTimeStamp(specimen: TimeStampSpecimen) {
  const { object, requestFile, root, certificates, certificatesFile, at, algorithms } = specimen;
  const seconds = String(Math.floor(at.getTime() / 1_000));
  const trust = ["-CAfile", root.pemFile, "-x509_strict", "-attime", seconds];
  if (algorithms.includes("rsa-pss")) return verifyCms(specimen, trust);
  const { ok, said } = await command("openssl", [
    ...["ts", "-verify", "-token_in", "-in", object.derFile, "-queryfile", requestFile, ...trust],
    ...(certificates.length > 0 ? ["-untrusted", certificatesFile] : []),
  ]);
  return ok && /^Verification: OK$/m.test(said) ? ACCEPTS : refuses(said);
}

async function verifyCms({ object, certificates, certificatesFile }: TimeStampSpecimen, trust: readonly string[]) {
  const { ok, said } = await command("openssl", [
    ...["cms", "-verify", "-inform", "DER", "-in", object.derFile, "-binary", "-out", "/dev/null"],
    ...["-purpose", "timestampsign", ...trust],
    // The one is where it looks for the signer, the other for those in between, which are no anchors there.
    ...(certificates.length > 0 ? ["-certfile", certificatesFile, "-CAstore", certificatesFile] : []),
  ]);
  return ok && said.includes("CMS Verification successful") ? ACCEPTS : refuses(said);
}
