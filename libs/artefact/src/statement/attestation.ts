import { z } from "zod";
import type { Digest } from "../digest.ts";
import type { ArtefactFacts } from "../facts.ts";
import { checkFacts, checkShape, type Manifest } from "../manifest.ts";
import { canonicalResources, type Resource } from "../resources.ts";
import { buildInTotoStatement, checkOneForm, type InTotoStatement, type ReadStatement, shaped } from "./in-toto.ts";
import type { SignedFiles } from "./oms.ts";

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

/** Reads what attests that a distribution was published. Throws STATEMENT_MALFORMED, NAME_MALFORMED. */
export function readPublishAttestation({ subject, predicate }: ReadStatement): SignedFiles {
  shaped(PublishPredicate, predicate);
  return { facts: undefined, shape: "file", resources: [fileOf(subject)] };
}

const fileOf = ({ name: path, sha256Hex }: InTotoStatement["subject"]): Resource => theFile([{ path, sha256Hex }]);

/** The one resource of an artefact that is a file. Throws NAME_MALFORMED, REQUEST_MALFORMED. */
function theFile(resources: readonly Resource[]): Resource {
  const canonical = canonicalResources(resources);
  checkShape("file", canonical);
  return canonical[0] as Resource;
}
