import { command } from "../command.ts";
import { requireDebianPackage } from "../install.ts";
import { ACCEPTS, type Candidate, passes, refuses } from "../judge.ts";
import type {
  ArtefactSpecimen,
  CertificateSpecimen,
  CrlSpecimen,
  OcspSpecimen,
  SignatureSpecimen,
} from "../specimen.ts";

export const gnutls: Candidate = {
  name: "gnutls",
  async install() {
    await requireDebianPackage("gnutls-bin", "certtool");
    const { stdout } = await command("certtool", ["--version"]);
    return {
      name: "gnutls",
      version: /certtool ([\d.]+)/.exec(stdout)?.[1] ?? "unknown",
      unknownAlgorithms: /brainpool/,
      opinions: {
        certificate: verify,
        crl: verifyCrl,
        ocsp: verifyOcsp,
        signature: verifySignature,
        artefact: verifySignature,
      },
    };
  },
};

async function verify({ chainFile, rootFile, crls, crlsFile, deltas }: CertificateSpecimen) {
  if (deltas.length > 0) return passes("gnutls knows no delta lists");
  const { ok, said } = await command("certtool", [
    ...["--verify", "--verify-profile", "medium", "--infile", chainFile, "--load-ca-certificate", rootFile],
    ...(crls.length > 0 ? ["--load-crl", crlsFile] : []),
  ]);
  return ok ? ACCEPTS : refuses(said);
}

async function verifyCrl({ object, issuer }: CrlSpecimen) {
  const { ok, said } = await command("certtool", [
    ...["--verify-crl", "--infile", object.pemFile, "--load-ca-certificate", issuer.pemFile],
  ]);
  return ok ? ACCEPTS : refuses(said);
}

/** Looks at the signature and the responder's certificate, not at times, and not at which certificates are asked about. */
async function verifyOcsp({ object, issuer }: OcspSpecimen) {
  const { ok, said } = await command("ocsptool", [
    ...["--verify-response", "--load-response", object.derFile, "--load-trust", issuer.pemFile],
  ]);
  return ok && /^Verifying OCSP Response: Success\.$/m.test(said) ? ACCEPTS : refuses(said);
}

/** Looks at the signature and the path of its signer as of now, not at time stamps; of an artefact at its manifest alone. */
async function verifySignature({ object, content, root }: SignatureSpecimen | ArtefactSpecimen) {
  const { ok, said } = await command("certtool", [
    ...["--p7-verify", "--inder", "--infile", object.derFile, "--load-data", content.derFile],
    ...["--load-ca-certificate", root.pemFile],
  ]);
  return ok ? ACCEPTS : refuses(said);
}
