import { command } from "../command.ts";
import { ACCEPTS, refuses } from "../judge.ts";
import type { ArtefactSpecimen, SignatureSpecimen } from "../specimen.ts";

/** `openssl cms -verify -cades`, as of the time stamp, which itself it does not look at; of an artefact it sees the manifest alone. */
export async function verifySignature({ object, content, root, at }: SignatureSpecimen | ArtefactSpecimen) {
  const { ok, said } = await command("openssl", [
    ...["cms", "-verify", "-cades", "-binary", "-inform", "DER", "-in", object.derFile, "-content", content.derFile],
    ...["-CAfile", root.pemFile, "-purpose", "any", "-x509_strict", "-out", "/dev/null"],
    ...["-attime", String(Math.floor(at.getTime() / 1_000))],
  ]);
  return ok && said.includes("CAdES Verification successful") ? ACCEPTS : refuses(said);
}
