import { createHash } from "node:crypto";
import { z } from "zod";
import type { Shape } from "../digest.ts";
import { checkFacts, checkShape, type Manifest } from "../manifest.ts";
import { canonicalResources, type Resource } from "../resources.ts";
import { buildInTotoStatement, checkOneForm, malformedStatement, type ReadStatement, shaped } from "./in-toto.ts";

export const OMS_PREDICATE_TYPE = "https://model_signing/signature/v1.0";

/** The path of a model that is one file. */
const ITSELF = ".";

/** The predicate of OpenSSF Model Signing v1.0: files, how they were hashed, and beside them what others do not look at. */
const OmsPredicate = z.looseObject({
  serialization: z.looseObject({
    method: z.literal("files"),
    hash_type: z.literal("sha256"),
    allow_symlinks: z.literal(false),
  }),
  resources: z.array(z.strictObject({ name: z.string(), algorithm: z.literal("sha256"), digest: z.string() })).min(1),
  /** What is said of the artefact, when it was signed here. */
  vcc: z.unknown().optional(),
});

/** What was signed of an artefact. */
export type SignedFiles = Omit<Manifest, "facts"> & { readonly facts: Manifest["facts"] | undefined };

/** The statement that `model_signing verify` reads, with the facts in `predicate.vcc`. Its subject is named as the artefact, or as the file that it is.
 *  Throws as `buildManifest` does. */
export function buildOmsStatement({ facts, shape, resources }: Manifest): Buffer {
  const canonical = canonicalResources(resources);
  checkShape(shape, canonical);
  return writeStatement({ facts: checkFacts(facts), shape, resources: canonical });
}

/** Of facts and resources that were checked. */
function writeStatement({ facts, shape, resources }: Manifest): Buffer {
  const [{ path } = { path: "" }] = resources;
  return buildInTotoStatement({
    subject: { name: shape === "file" ? path : facts.name, sha256Hex: rootDigest(resources) },
    predicateType: OMS_PREDICATE_TYPE,
    predicate: {
      serialization: { method: "files", hash_type: "sha256", allow_symlinks: false },
      resources: resources.map(({ path: name, sha256Hex: digest }) => ({
        ...{ name: shape === "file" ? ITSELF : name, algorithm: "sha256", digest },
      })),
      vcc: facts,
    },
  });
}

/** Reads the statement of a model, whoever made it; one with our facts has to be as we write it. Symbolic links, other hashes and shards are not
 *  accepted; paths that the signer left out (`ignore_paths`) may be there no more than other files that were not signed. Throws
 *  STATEMENT_MALFORMED, ARTEFACT_MALFORMED, NAME_MALFORMED, REQUEST_MALFORMED, REQUEST_TOO_LARGE. */
export function readOmsStatement(statement: ReadStatement): SignedFiles {
  const { subject, predicate } = statement;
  const { resources: listed, vcc } = shaped(OmsPredicate, predicate);
  const files = listed.map(({ name: path, digest: sha256Hex }): Resource => ({ path, sha256Hex }));
  if (rootDigest(files) !== subject.sha256Hex) throw malformedStatement("has another digest than its files");

  const shape: Shape = files.length === 1 && files[0]?.path === ITSELF ? "file" : "directory";
  const named = shape === "file" ? files.map(({ sha256Hex }) => ({ path: subject.name, sha256Hex })) : files;
  const resources = canonicalResources(named);
  checkShape(shape, resources);
  if (vcc === undefined) return { facts: undefined, shape, resources };
  const manifest = { facts: checkFacts(vcc), shape, resources };
  checkOneForm(writeStatement(manifest), statement);
  return manifest;
}

/** SHA-256 over the files' hashes as they are listed; it says nothing of their names. */
function rootDigest(files: readonly Resource[]): string {
  const hash = createHash("sha256");
  for (const { sha256Hex } of files) hash.update(sha256Hex, "hex");
  return hash.digest("hex");
}
