import { hash } from "node:crypto";
import { readFileSync } from "node:fs";
import { parseTrustPolicy, type SignatureMaterial, verifySignedArtefact } from "@vcc-pki/artefact";
import { walkTree } from "@vcc-pki/client";
import { OID, parseCertificate, trustAnchors, verifyCadesSignature } from "@vcc-pki/x509";
import type { ArtefactSpecimen, BundleSpecimen, ObjectFile, SignatureSpecimen } from "./specimen.ts";

/** libs/x509 about a signature. */
export function verifySignature({ object, content, root, timeStampRoot }: SignatureSpecimen): void {
  const { checks } = verifyCadesSignature(object.der, {
    content: content.der,
    trust: trustAnchors({ anchors: [parseCertificate(root.der)], purpose: OID.codeSigning }),
    timeStamp: { trust: trustAnchors({ anchors: [parseCertificate(timeStampRoot.der)] }) },
  });
  complain(checks.flatMap(({ name, ok, reason }) => (ok ? [] : `${name}: ${reason}`)));
}

/** libs/artefact about a directory with a signed manifest. */
export const verifyArtefact = (specimen: ArtefactSpecimen): void =>
  verifyMaterial({ format: "manifest", manifest: specimen.content.der, cms: specimen.object.der }, specimen, {
    issuer: specimen.issuer,
    types: ["lora_adapter"],
  });

/** The same with a bundle, in which foreign signers do not say what they sign. */
export const verifyBundle = (specimen: BundleSpecimen): void =>
  verifyMaterial({ format: "bundle", bundle: specimen.object.der }, specimen, {
    issuer: specimen.issuer,
    types: ["lora_adapter", "untyped"],
  });

/** Under a policy that names what was signed. */
function verifyMaterial(
  material: SignatureMaterial,
  { directory, root, timeStampRoot }: ArtefactSpecimen | BundleSpecimen,
  { issuer, types }: { readonly issuer: ObjectFile; readonly types: readonly string[] },
): void {
  const files = walkTree(directory).files.map(({ path, location }) => ({
    ...{ path, sha256Hex: hash("sha256", readFileSync(location)) },
  }));
  const { verdicts } = verifySignedArtefact({
    ...{ material, observed: { shape: "directory", resources: files } },
    trust: { anchors: [parseCertificate(root.der)], timeStampAnchors: [parseCertificate(timeStampRoot.der)] },
    policy: parseTrustPolicy({
      issuers: [`sha256:${hash("sha256", parseCertificate(issuer.der).spkiDer)}`],
      identities: ["spiffe://vcc.internal/org/brandenburg/service/*"],
      organisation: "brandenburg",
      types,
      revocation: "where-known",
    }),
  });
  complain(verdicts.flatMap(({ name, code, detail = "" }) => (code === undefined ? [] : `${name}: ${code} ${detail}`)));
}

function complain(faults: readonly string[]): void {
  if (faults.length > 0) throw new Error(faults.join("; "));
}
