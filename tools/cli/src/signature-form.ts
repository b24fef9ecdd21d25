import { basename } from "node:path";
import {
  type ArtefactFacts,
  artefactDigest,
  buildAttestation,
  buildManifest,
  buildOmsStatement,
  buildPublishAttestation,
  isDistributionName,
  MANIFEST_FILE,
  MANIFEST_SIGNATURE_FILE,
  type Manifest,
  MODEL_SIGNATURE_FILE,
  PUBLISH_ATTESTATION_SUFFIX,
} from "@vcc-pki/artefact";
import type { ArtefactToSign } from "@vcc-pki/gateway/api";
import { UsageError } from "./usage.ts";

export const SIGNATURE_FORMATS = ["cms", "oms", "sigstore", "attestation"] as const;
export type SignatureFormat = (typeof SIGNATURE_FORMATS)[number];

/** How a signature is asked for, what has to have been signed, and where it goes. */
export interface SignatureForm {
  /** As the gateway calls it. */
  readonly format: NonNullable<ArtefactToSign["format"]>;
  /** Names of its files, in the artefact's directory, or beside the one file that it is. */
  readonly files: readonly string[];
  /** What is signed of an artefact, octet by octet. */
  content(artefact: Manifest): Uint8Array;
}

/** A distribution of Python in one file is attested as PEP 740 has it; everything else with what is said of it. */
export function signatureForm(
  format: SignatureFormat,
  { path, isDirectory, facts }: { readonly path: string; readonly isDirectory: boolean; readonly facts: ArtefactFacts },
): SignatureForm {
  if (format === "cms")
    return { format: "manifest", files: [MANIFEST_FILE, MANIFEST_SIGNATURE_FILE], content: buildManifest };
  const file = basename(path);
  const files = [isDirectory ? MODEL_SIGNATURE_FILE : `${file}.sigstore.json`];
  if (format !== "attestation") return { format, files, content: buildOmsStatement };
  if (isDirectory || facts.type !== "python_package" || !isDistributionName(file))
    return { format, files, content: attested };
  if (Object.keys(facts.metadata).length > 0)
    throw new UsageError("a distribution's attestation (PEP 740) has no room for --metadata; other formats have");
  return {
    ...{ format: "publish", files: [file + PUBLISH_ATTESTATION_SUFFIX] },
    content: ({ resources }) => buildPublishAttestation(resources),
  };
}

const attested = ({ facts, shape, resources }: Manifest): Buffer =>
  buildAttestation(
    shape === "file" ? { facts, shape, resources } : { facts, shape, digest: artefactDigest(shape, resources) },
  );
