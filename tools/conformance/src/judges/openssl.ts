import { toHex } from "@vcc-pki/x509";
import { command } from "../command.ts";
import { requireDebianPackage } from "../install.ts";
import { ACCEPTS, type Candidate, refuses } from "../judge.ts";
import type { CertificateSpecimen, CrlSpecimen, OcspSpecimen } from "../specimen.ts";
import { verifySignature } from "./openssl-signature.ts";
import { verifyTimeStamp } from "./openssl-time-stamp.ts";

export const openssl: Candidate = {
  name: "openssl",
  async install() {
    await requireDebianPackage("openssl", "openssl");
    const { stdout } = await command("openssl", ["version"]);
    if (!stdout.startsWith("OpenSSL 3.")) throw new Error(`this is ${stdout}, not OpenSSL 3`);
    return {
      name: "openssl",
      version: stdout.split(" ")[1] ?? "3",
      opinions: {
        ...{ certificate: verify, crl: verifyCrl, ocsp: verifyOcsp },
        ...{ "time-stamp": verifyTimeStamp, signature: verifySignature, artefact: verifySignature },
      },
    };
  },
};

/** Path validation under RFC 5280 rules, with every issuer's CRL and delta CRL. A chain without CRLs is verified without them. */
async function verify({ object, rootFile, issuers, intermediatesFile, ...lists }: CertificateSpecimen) {
  const { crls, crlsFile, deltas, deltasFile } = lists;
  const files = ["-CRLfile", crlsFile, ...(deltas.length > 0 ? ["-CRLfile", deltasFile] : [])];
  const revocation = crls.length > 0 ? ["-crl_check_all", "-extended_crl", "-use_deltas", ...files] : [];
  const { ok, said } = await command("openssl", [
    ...["verify", "-x509_strict", "-check_ss_sig", "-no-CAfile", "-no-CApath", "-no-CAstore"],
    ...["-trusted", rootFile],
    ...(issuers.length > 1 ? ["-untrusted", intermediatesFile] : []),
    ...revocation,
    object.pemFile,
  ]);
  return ok ? ACCEPTS : refuses(said);
}

/** `openssl crl -verify` says so in words only, and does not look at the dates: those are read beside it. */
async function verifyCrl({ object, issuer }: CrlSpecimen) {
  const args = ["crl", "-inform", "DER", "-in", object.derFile, "-noout"];
  const { ok, said } = await command("openssl", [...args, "-verify", "-CAfile", issuer.pemFile]);
  if (!ok || !/^verify OK$/m.test(said)) return refuses(said);
  return ACCEPTS;
}

/** `openssl ocsp` says in words only whether times are wrong, or a certificate is missing from the answer. */
async function verifyOcsp({ object, issuer, rootFile, hash, asked }: OcspSpecimen) {
  const serials = asked.map(({ serial }) => `0x${toHex(serial)}`);
  const { ok, said } = await command("openssl", [
    ...["ocsp", "-respin", object.derFile, "-no_nonce", `-${hash}`, "-issuer", issuer.pemFile],
    ...serials.flatMap((serial) => ["-serial", serial]),
    ...["-CAfile", rootFile, "-no-CApath", "-no-CAstore", "-verify_other", issuer.pemFile],
  ]);
  const answers = asked.every(({ status }, i) => said.includes(`${serials[i]}: ${status}`));
  return ok && answers && /^Response verify OK$/m.test(said) && !/WARNING|ERROR/.test(said) ? ACCEPTS : refuses(said);
}
