import { z } from "zod";
import type { Digest } from "../digest.ts";
import type { ArtefactFacts } from "../facts.ts";
import { checkFacts, checkShape, type Manifest } from "../manifest.ts";
import { canonicalResources, type Resource } from "../resources.ts";
import { isDistributionName } from "./distribution.ts";
import {
  buildInTotoStatement,
  checkOneForm,
  type InTotoStatement,
  malformedStatement,
  type ReadStatement,
  shaped,
} from "./in-toto.ts";

/** Our own predicate: what is said of the artefact, and whether its digest is that of a file. */
export const ARTEFACT_PREDICATE_TYPE = "urn:vcc-pki:artefact:v1";
/** The predicate of PyPI's uploads (PEP 740): it is empty, so that nothing is said beside the name and the digest of a file. */
export const PUBLISH_PREDICATE_TYPE = "https://docs.pypi.org/attestations/publish/v1";

const ArtefactPredicate = z.strictObject({ shape: z.enum(["file", "directory", "digest"]), vcc: z.unknown() });
const PublishPredicate = z.union([z.null(), z.undefined(), z.strictObject({})]);

/** One file, named as PEP 740 has a distribution named. */
export type SignedFile = Manifest & { readonly shape: "file" };

/** An artefact of which the digest alone was signed: that of a directory (see `artefactDigest`), or one that somebody else counts, such as that of a
 *  container's image. */
export interface SignedDigest {
  readonly facts: ArtefactFacts;
  readonly shape: "directory" | "digest";
  readonly digest: Digest;
}

/** A distribution that was published. Nothing else is said of it, so that its predicate alone says what it is. */
export interface PublishedFile {
  readonly facts: undefined;
  readonly impliedType: "python_package";
  readonly shape: "file";
  readonly resources: readonly Resource[];
}

/** An in-toto statement about an artefact by its digest, for whom files are too many or are not at hand. Throws ARTEFACT_MALFORMED, NAME_MALFORMED,
 *  REQUEST_MALFORMED. */
export function buildAttestation(artefact: SignedFile | SignedDigest): Buffer {
  const { shape, facts } = artefact;
  return buildInTotoStatement({
    ...{ subject: subjectOf(artefact), predicateType: ARTEFACT_PREDICATE_TYPE },
    predicate: { shape, vcc: checkFacts(facts) },
  });
}

function subjectOf(artefact: SignedFile | SignedDigest): InTotoStatement["subject"] {
  if (artefact.shape !== "file") {
    return { name: artefact.facts.name, sha256Hex: artefact.digest.slice("sha256:".length) };
  }
  const { path, sha256Hex } = theFile(artefact.resources);
  return { name: path, sha256Hex };
}

/** Reads an attestation of our own, which has to be as we write it. Throws STATEMENT_MALFORMED, ARTEFACT_MALFORMED, NAME_MALFORMED. */
export function readAttestation(statement: ReadStatement): SignedFile | SignedDigest {
  const { subject, predicate } = statement;
  const { shape, vcc } = shaped(ArtefactPredicate, predicate);
  const facts = checkFacts(vcc);
  const artefact: SignedFile | SignedDigest =
    shape === "file"
      ? { facts, shape, resources: [fileOf(subject)] }
      : { facts, shape, digest: `sha256:${subject.sha256Hex}` };
  checkOneForm(buildAttestation(artefact), statement);
  return artefact;
}

/** The statement of PEP 740 about a distribution that is published: its predicate is empty. Throws NAME_MALFORMED, REQUEST_MALFORMED, STATEMENT_MALFORMED
 *  for a file whose name is not a distribution's. */
export function buildPublishAttestation(resources: readonly Resource[]): Buffer {
  const { path: name, sha256Hex } = theDistribution(resources);
  return buildInTotoStatement({
    subject: { name, sha256Hex },
    predicateType: PUBLISH_PREDICATE_TYPE,
    predicate: null,
  });
}

/** Reads what attests that a distribution was published, whoever wrote it. Throws STATEMENT_MALFORMED, NAME_MALFORMED. */
export function readPublishAttestation({ subject, predicate }: ReadStatement): PublishedFile {
  shaped(PublishPredicate, predicate);
  const { name: path, sha256Hex } = subject;
  const resources = [theDistribution([{ path, sha256Hex }])];
  return { facts: undefined, impliedType: "python_package", shape: "file", resources };
}

function theDistribution(resources: readonly Resource[]): Resource {
  const file = theFile(resources);
  if (!isDistributionName(file.path))
    throw malformedStatement(`is about ${JSON.stringify(file.path)}, no distribution`);
  return file;
}

const fileOf = ({ name: path, sha256Hex }: InTotoStatement["subject"]): Resource => theFile([{ path, sha256Hex }]);

/** The one resource of an artefact that is a file. Throws NAME_MALFORMED, REQUEST_MALFORMED. */
function theFile(resources: readonly Resource[]): Resource {
  const canonical = canonicalResources(resources);
  checkShape("file", canonical);
  return canonical[0] as Resource;
}
