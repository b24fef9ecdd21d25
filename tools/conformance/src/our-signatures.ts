import { hash } from "node:crypto";
import { type Observed, parseTrustPolicy, type SignatureMaterial, verifySignedArtefact } from "@vcc-pki/artefact";
import { hashTree, walkTree } from "@vcc-pki/client";
import { systemClock } from "@vcc-pki/time";
import { OID, parseCertificate, trustAnchors, verifyCadesSignature } from "@vcc-pki/x509";
import type {
  ArtefactSpecimen,
  AttestationSpecimen,
  BundleSpecimen,
  ObjectFile,
  SignatureSpecimen,
} from "./specimen.ts";

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
export const verifyArtefact = (specimen: ArtefactSpecimen): Promise<void> =>
  verifyMaterial({ format: "manifest", manifest: specimen.content.der, cms: specimen.object.der }, specimen, {
    ...{ issuer: specimen.issuer, service: "*", types: ["lora_adapter"] },
  });

/** The same with a bundle, in which foreign signers do not say what they sign. */
export const verifyBundle = (specimen: BundleSpecimen): Promise<void> =>
  verifyMaterial({ format: "bundle", bundle: specimen.object.der }, specimen, {
    ...{ issuer: specimen.issuer, service: "clara-signer", types: ["lora_adapter", "untyped"] },
    shardOctets: specimen.shardOctets,
  });

/** The same with a distribution's attestation, which has no chain. */
export const verifyAttestation = (specimen: AttestationSpecimen): Promise<void> =>
  verifyMaterial({ format: "bundle", bundle: specimen.object.der }, specimen, {
    ...{ issuer: specimen.issuer, service: "clara-signer", types: ["python_package"] },
  });

interface Believed {
  readonly issuer: ObjectFile;
  /** The signer's. */
  readonly service: string;
  readonly types: readonly string[];
  readonly shardOctets?: number | undefined;
}

/** Under a policy that names what was signed. */
async function verifyMaterial(
  material: SignatureMaterial,
  specimen: ArtefactSpecimen | BundleSpecimen | AttestationSpecimen,
  { issuer, service, types, shardOctets }: Believed,
): Promise<void> {
  const { root, timeStampRoot } = specimen;
  const path = specimen.kind === "attestation" ? specimen.distributionFile : specimen.directory;
  const { verdicts } = verifySignedArtefact({
    ...{ material, observed: await observe(path, shardOctets) },
    trust: {
      ...{ anchors: [parseCertificate(root.der)], timeStampAnchors: [parseCertificate(timeStampRoot.der)] },
      intermediates: [parseCertificate(issuer.der)],
    },
    policy: parseTrustPolicy({
      issuers: [`sha256:${hash("sha256", parseCertificate(issuer.der).spkiDer)}`],
      identities: [`spiffe://vcc.internal/org/brandenburg/service/${service}`],
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

/** As libs/client does. */
async function observe(path: string, shardOctets: number | undefined): Promise<Observed> {
  const tree = walkTree(path);
  const files = await hashTree(tree, { clock: systemClock, shardOctets });
  const shards = files.flatMap(({ path, ranges }) => ranges.map((range) => ({ path, ...range })));
  const shape = tree.isDirectory ? "directory" : "file";
  return { shape, ...(shardOctets === undefined ? { resources: shards } : { shardOctets, shards }) };
}
