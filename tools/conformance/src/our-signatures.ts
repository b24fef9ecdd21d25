import { hash } from "node:crypto";
import { readFileSync } from "node:fs";
import { parseTrustPolicy, type SignatureMaterial, verifySignedArtefact } from "@vcc-pki/artefact";
import { walkTree } from "@vcc-pki/client";
import { OID, parseCertificate, trustAnchors, verifyCadesSignature } from "@vcc-pki/x509";
import type { ArtefactSpecimen, SignatureSpecimen } from "./specimen.ts";

/** libs/x509 about a signature. */
export function verifySignature({ object, content, root, timeStampRoot }: SignatureSpecimen): void {
  const { checks } = verifyCadesSignature(object.der, {
    content: content.der,
    trust: trustAnchors({ anchors: [parseCertificate(root.der)], purpose: OID.codeSigning }),
    timeStamp: { trust: trustAnchors({ anchors: [parseCertificate(timeStampRoot.der)] }) },
  });
  complain(checks.flatMap(({ name, ok, reason }) => (ok ? [] : `${name}: ${reason}`)));
}

/** libs/artefact about a directory, under a policy that names what was signed. */
export function verifyArtefact({ object, content, directory, root, timeStampRoot, issuer }: ArtefactSpecimen): void {
  const files = walkTree(directory).files.map(({ path, location }) => ({
    ...{ path, sha256Hex: hash("sha256", readFileSync(location)) },
  }));
  const material: SignatureMaterial = { format: "manifest", manifest: content.der, cms: object.der };
  const { verdicts } = verifySignedArtefact({
    ...{ material, observed: { shape: "directory", resources: files } },
    trust: { anchors: [parseCertificate(root.der)], timeStampAnchors: [parseCertificate(timeStampRoot.der)] },
    policy: parseTrustPolicy({
      issuers: [`sha256:${hash("sha256", parseCertificate(issuer.der).spkiDer)}`],
      identities: ["spiffe://vcc.internal/org/brandenburg/service/*"],
      organisation: "brandenburg",
      types: ["lora_adapter"],
      revocation: "where-known",
    }),
  });
  complain(verdicts.flatMap(({ name, code, detail = "" }) => (code === undefined ? [] : `${name}: ${code} ${detail}`)));
}

function complain(faults: readonly string[]): void {
  if (faults.length > 0) throw new Error(faults.join("; "));
}
